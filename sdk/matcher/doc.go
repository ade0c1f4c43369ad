// Package matcher chooses the configuration of a request: the rules of a Higress plugin configuration, or its global
// part.
//
// A configuration is a JSON object. The array _rules_ holds rules: objects that have, beside settings of the plugin, one
// or more of _match_route_, _match_domain_, _match_service_ and _match_route_prefix_, each a list of strings (or one).
// Everything outside _rules_ is the global configuration. The first rule that matches counts, then the global
// configuration; a configuration with nothing but rules leaves other requests alone. There is no order among rules but
// theirs: one that is more specific does not come before one that is less.
//
// Of several lists in a rule, route counts first (with service, if it has both), then domain, then service, then route
// prefix; the others have no effect, and are reported as doubtful. A route matches by its exact name, or by a prefix of
// it. A domain matches the request's host without its port, in any case of letters: exactly, or with a leading "*" by
// its end ("*.a.com" is not a.com, "*a.com" is xa.com), or with a trailing "*" by its beginning. A service matches the
// cluster outbound|port|subset|name, as "name" with any port or "name:port".
//
// That is what plugins for Higress know, with two differences: there the case of letters in a domain counts, which lets
// a client past a rule by writing the host in capitals; and there the route's or the cluster's name that cannot be read
// is an error even where no rule asks for it.
//
// Rules are indexed when they are parsed: choosing costs a few look-ups, however many there are. BenchmarkMatch has
// 10 and 10,000.
package matcher
