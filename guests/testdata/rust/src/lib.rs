//! A plugin by Rust's proxy-wasm, which does the same as ../upstream-go: what its configuration names.

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType, LogLevel, MetricType, Status};
use std::time::Duration;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Plugin::default()));
}}

const BEHAVIOURS: [&str; 8] = [
    "headers", "body", "callout", "tick", "queue", "metrics", "properties", "reply",
];

/// The tests fail on errors in the log.
fn complain(text: String) {
    hostcalls::log(LogLevel::Error, &text).unwrap();
}

#[derive(Default, Clone)]
struct Plugin {
    behaviour: String,
    queue: u32,
    requests: u32,
    active: u32,
    sizes: u32,
}

impl Context for Plugin {}

impl RootContext for Plugin {
    fn on_vm_start(&mut self, size: usize) -> bool {
        size == 0 || self.get_vm_configuration().as_deref() == Some(b"vm configuration")
    }

    fn on_configure(&mut self, _: usize) -> bool {
        let conf = self.get_plugin_configuration().unwrap_or_default();
        self.behaviour = String::from_utf8(conf).unwrap_or_default();
        match self.behaviour.as_str() {
            "tick" => self.set_tick_period(Duration::from_millis(20)),
            "queue" => self.queue = self.register_shared_queue("work"),
            "metrics" => {
                self.requests = hostcalls::define_metric(MetricType::Counter, "guest.requests").unwrap();
                self.active = hostcalls::define_metric(MetricType::Gauge, "guest.active").unwrap();
                self.sizes = hostcalls::define_metric(MetricType::Histogram, "guest.sizes").unwrap();
            }
            _ => {}
        }
        BEHAVIOURS.contains(&self.behaviour.as_str())
    }

    fn on_tick(&mut self) {
        add(self, "ticks");
    }

    fn on_queue_ready(&mut self, id: u32) {
        while let Some(element) = self.dequeue_shared_queue(id).unwrap() {
            self.set_shared_data("element", Some(&element), None).unwrap();
            add(self, "elements");
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream { plugin: self.clone() }))
    }
}

/// Adds one to the number under a key of the shared data.
fn add(c: &dyn Context, key: &str) {
    loop {
        let (value, cas) = c.get_shared_data(key);
        let n = value.map_or(0, |v| u64::from_le_bytes(v.try_into().unwrap()));
        match c.set_shared_data(key, Some(&(n + 1).to_le_bytes()), cas) {
            Err(Status::CasMismatch) => continue,
            result => return result.unwrap(),
        }
    }
}

/// Reads the number under a key of the shared data.
fn number(c: &dyn Context, key: &str) -> u64 {
    c.get_shared_data(key).0.map_or(0, |v| u64::from_le_bytes(v.try_into().unwrap()))
}

struct Stream {
    plugin: Plugin,
}

impl Stream {
    fn answer(&self, status: u32, text: &str) -> Action {
        self.send_http_response(status, vec![("x-guest", "yes")], Some(text.as_bytes()));
        Action::Pause
    }

    fn edit(&self, n: usize) -> Action {
        let told = self.get_http_request_headers().len();
        if told != n {
            complain(format!("{} request headers, told of {}", told, n));
        }
        self.add_http_request_header("X-Added", "a");
        self.add_http_request_header("x-added", "b");
        self.set_http_request_header("x-replaced", Some("new"));
        self.set_http_request_header("x-removed", None);
        self.set_http_request_header(":path", Some("/edited"));
        if let Some(value) = self.get_http_request_header("x-removed") {
            complain(format!("removed header is {}", value));
        }
        Action::Continue
    }

    /// Asks the cluster of the header x-ask whether the request may pass.
    fn ask(&self) -> Action {
        let cluster = self.get_http_request_header("x-ask").unwrap_or_default();
        let token = self.get_http_request_header("x-token").unwrap_or_default();
        let headers = vec![
            (":method", "POST"), (":path", "/decide"), (":authority", "decider"), ("x-token", token.as_str()),
        ];
        match self.dispatch_http_call(&cluster, headers, Some(b"may it?"), vec![], Duration::from_secs(5)) {
            Ok(_) => Action::Pause,
            Err(status) => self.answer(500, &format!("{:?}", status)),
        }
    }

    fn put(&self, path: &str) -> Action {
        let id = self.resolve_shared_queue("guests", "work");
        if id != Some(self.plugin.queue) {
            complain(format!("queue resolved as {:?}, registered as {}", id, self.plugin.queue));
        }
        self.enqueue_shared_queue(self.plugin.queue, Some(path.as_bytes())).unwrap();
        if let Some(id) = self.resolve_shared_queue("guests", "no such queue") {
            complain(format!("unknown queue resolved as {}", id));
        }
        self.answer(202, "put")
    }

    fn tell_properties(&self) -> Action {
        let text = |path: Vec<&str>| String::from_utf8(self.get_property(path).unwrap_or_default()).unwrap();
        let mut told = String::new();
        for path in [
            "request.path", "request.method", "request.headers.x-one", "plugin_name", "plugin_root_id", "plugin_vm_id",
            "node.id",
        ] {
            told += &format!("{}={}\n", path, text(path.split('.').collect()));
        }
        let port = self.get_property(vec!["source", "port"]).unwrap_or_default();
        let port = port.try_into().map_or(0, u64::from_le_bytes);
        told += &format!("source.port: {}\n", port > 0 && port < 65536);
        // The map is in the encoding of header lists, in which each string ends with a NUL.
        let all = self.get_property(vec!["request", "headers"]).unwrap_or_default();
        told += &format!("x-one in request.headers: {}\n", all.windows(8).any(|w| w == b"x-one\x001\x00"));
        self.set_property(vec!["mine"], Some(b"kept"));
        told += &format!("mine={}\n", text(vec!["mine"]));
        told += &format!("no.such: {}\n", self.get_property(vec!["no", "such"]).is_none());
        self.answer(200, &told)
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, _: u32, n: usize, size: usize, _: usize) {
        let headers = self.get_http_call_response_headers();
        if headers.len() != n {
            complain(format!("{} headers of the answer, told of {}", headers.len(), n));
        }
        let status = self.get_http_call_response_header(":status").unwrap_or_default();
        if status != "200" {
            self.answer(403, &format!("decider: {}", status));
            return;
        }
        let says = self.get_http_call_response_body(0, size).unwrap_or_default();
        self.set_http_request_header("x-user", Some(std::str::from_utf8(&says).unwrap()));
        self.resume_http_request();
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, n: usize, _: bool) -> Action {
        let path = self.get_http_request_header(":path").unwrap();
        match self.plugin.behaviour.as_str() {
            "headers" => self.edit(n),
            "body" => {
                self.set_http_request_header("content-length", None);
                Action::Continue
            }
            "callout" => self.ask(),
            "tick" => {
                add(self, "requests");
                let text = format!("{} requests, ticked {}", number(self, "requests"), number(self, "ticks"));
                self.answer(200, &text)
            }
            "queue" if path.starts_with("/put") => self.put(&path),
            "queue" => {
                let last = self.get_shared_data("element").0.unwrap_or_default();
                let last = String::from_utf8(last).unwrap();
                self.answer(200, &format!("{} elements, last {}", number(self, "elements"), last))
            }
            "metrics" => {
                hostcalls::increment_metric(self.plugin.requests, 2).unwrap();
                hostcalls::increment_metric(self.plugin.active, 1).unwrap();
                hostcalls::record_metric(self.plugin.sizes, 42).unwrap();
                Action::Continue
            }
            "properties" => self.tell_properties(),
            "reply" if path == "/early" => self.answer(418, "early"),
            _ => Action::Continue,
        }
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        if self.plugin.behaviour != "body" {
            return Action::Continue;
        } else if !end {
            return Action::Pause;
        }
        let body = self.get_http_request_body(0, size).unwrap_or_default();
        self.set_http_request_body(0, size, &body.to_ascii_uppercase());
        self.set_http_request_body(0, 0, b"<");
        hostcalls::set_buffer(BufferType::HttpRequestBody, size + 1, 0, b">").unwrap();
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        match self.plugin.behaviour.as_str() {
            "headers" => {
                let all = self.get_http_response_headers();
                let mut all: Vec<(&str, &str)> = all.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
                all.retain(|(k, _)| *k != "x-upstream");
                all.push(("x-all", "set"));
                self.set_http_response_headers(all);
                self.set_http_response_header(":status", Some("201"));
            }
            "body" => self.set_http_response_header("content-length", None),
            "metrics" => {
                let active = hostcalls::get_metric(self.plugin.active).unwrap();
                self.add_http_response_header("x-active", &active.to_string());
            }
            "reply" if self.get_http_response_header(":status").as_deref() == Some("200") => {
                return self.answer(502, "late");
            }
            _ => {}
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        if self.plugin.behaviour != "body" {
            return Action::Continue;
        } else if !end {
            return Action::Pause;
        }
        let body = self.get_http_response_body(0, size).unwrap_or_default();
        let text = format!("{} bytes: {}", body.len(), String::from_utf8_lossy(&body));
        self.set_http_response_body(0, usize::MAX, text.as_bytes());
        Action::Continue
    }

    fn on_log(&mut self) {
        if self.plugin.behaviour == "metrics" {
            hostcalls::increment_metric(self.plugin.active, -1).unwrap();
        }
    }
}
