// Package conformance plays the same configuration, plugins, client and upstream against Sluice and against a real
// Envoy, and compares what each of them did. Envoy is the judge.
//
// A case is a file of testdata in txtar form: a title, then sections. Sections of configuration are YAML that is put into
// the one configuration that all cases share, each with a listener, a route, and a cluster of its own:
//
//	script, script2, …   what the plugins do, one filter each (see command script); none: no plugin
//	plugin               more fields of the plugins' configuration, such as failure_policy
//	vm                   "own": the case's plugins get VMs of their own (else cases share one)
//	routes               the virtual hosts, instead of one that routes all to the cluster
//	hcm, listener, cluster  more fields of the connection manager, the listener, the cluster
//	format               the access log's format, instead of the usual one
//	upstream, backend    what the servers do for each request (see server); backend is a second cluster, for call-outs
//	client               what the client does (see client)
//	ends                 "any": whether a body ends with its last piece or behind it is a matter of timing, and not compared
//	differs              why Sluice differs by choice, and how: the lines of the comparison, Envoy's with "-", ours with "+"
//
// In sections $NAME is the case's name, which is its listener's, cluster's and plugins' name too; $BACKEND is the
// cluster of the second server.
package conformance
