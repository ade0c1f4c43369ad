package pluginhost

import (
	"context"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/redis"
)

// redisSettings are what redis_init says.
type redisSettings struct {
	cluster            string
	username, password string
	db                 int
	timeout, connect   time.Duration
	flushBytes         int
	flushDelay         time.Duration
}

// redisClients are a plugin's clients: one for all of its root contexts that said the same. Other plugins have their
// own.
type redisClients struct {
	// over ends when the last root context has.
	over context.Context
	end  context.CancelFunc

	mu      sync.Mutex
	clients map[redisSettings]*redisClient
}

// redisClient is a client and how many root contexts use it.
type redisClient struct {
	*redis.Client
	settings redisSettings
	users    int
	unused   chan struct{}
}

// redisReplies are the ends of a root context's calls that its plugin has not been told of.
type redisReplies struct {
	mu      sync.Mutex
	queue   []redisReply
	serving bool
}

func (c *redisClients) init() { c.over, c.end = context.WithCancel(context.Background()) }

// acquire finds or makes a client.
func (c *redisClients) acquire(p *Plugin, s redisSettings) *redisClient {
	c.mu.Lock()
	defer c.mu.Unlock()
	client := c.clients[s]
	if client == nil {
		client = &redisClient{settings: s, unused: make(chan struct{}), Client: redis.New(redis.Options{
			Username: s.username, Password: s.password, DB: s.db, Timeout: s.timeout, ConnectTimeout: s.connect,
			FlushBytes: s.flushBytes, FlushDelay: s.flushDelay, Logger: p.logger.With("cluster", s.cluster),
		})}
		if c.clients == nil {
			c.clients = map[redisSettings]*redisClient{}
		}
		c.clients[s] = client
		p.timers.Go(func() {
			<-client.unused
			client.Drain(c.over)
		})
	}
	client.users++
	return client
}

// release gives a client back. It is closed when nobody uses it and its calls are done.
func (c *redisClients) release(client *redisClient) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client.users--; client.users == 0 {
		delete(c.clients, client.settings)
		close(client.unused)
	}
}

// releaseRedis gives the root's clients back. The VM's lock is held.
func (r *root) releaseRedis() {
	for _, c := range r.redis {
		r.plugin.redis.release(c)
	}
	r.redis = nil
}
