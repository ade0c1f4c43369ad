use proxy_wasm::traits::*;
proxy_wasm::main! {{ proxy_wasm::set_root_context(|_| Box::new(R)); }}
struct R; impl Context for R {} impl RootContext for R {}
