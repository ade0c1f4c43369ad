// Package matcher chooses the configuration of a request: the rules of a Higress plugin configuration, or its global
// part.
//
// A configuration is a JSON object. The array _rules_ holds rules: objects that have, beside settings of the plugin, one
// or more of _match_route_, _match_domain_, _match_service_ and _match_route_prefix_, each a list of strings (or one).
// Everything outside _rules_ is the global configuration. The first rule that matches counts, then the global
// configuration; a configuration with nothing but rules leaves other requests alone.
//
// Of several lists in a rule, route counts first (with service, if it has both), then domain, then service, then route
// prefix. A route matches by its exact name, or by a prefix of it. A domain matches the request's host without its
// port, in any case of letters: exactly, or with a leading "*" by its end, or with a trailing "*" by its beginning. A
// service matches the cluster outbound|port|subset|name, as "name" or "name:port".
//
// Rules are indexed when they are parsed: choosing costs a few look-ups, however many there are.
package matcher
