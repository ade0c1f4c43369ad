// Package redis sends commands to Redis servers for callers that have them in RESP already and want the replies as they
// came: a gateway's plugins.
//
// Connections, AUTH, SELECT and the order of replies are github.com/redis/go-redis's. This package decides what goes
// onto a connection together and when, holds each call to its own time, follows the redirections of a cluster, and reads
// along on every connection, so that a hostile server cannot make the client allocate or nest without bound.
package redis
