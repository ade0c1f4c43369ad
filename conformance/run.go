package conformance

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// Run plays cases on Envoy and then, with the same bytes of configuration and on the same ports, on Sluice. module is
// the script plugin; dir takes the files that this needs.
func Run(ctx context.Context, binary, module, dir string, cases []*Case) ([]*Result, error) {
	for _, c := range cases {
		if err := errors.Join(checkVerbs("client", c.client), checkVerbs("server", c.upstream), checkVerbs("server", c.backend)); err != nil {
			return nil, errors.Join(errors.New(c.Name), err)
		}
	}
	accessLog := filepath.Join(dir, "access.log")
	s, err := newStage(cases, accessLog)
	if err != nil {
		return nil, err
	}
	defer s.close()
	admin, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	config := configuration(cases, s.at, module, accessLog, admin[0])

	e, err := startEnvoy(ctx, binary, dir, config, admin[0])
	if err != nil {
		return nil, err
	}
	onEnvoy, err := s.runOn(e)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(accessLog); err != nil {
		return nil, err
	}
	o, err := startSluice(ctx, dir, config)
	if err != nil {
		return nil, err
	}
	onSluice, err := s.runOn(o)
	if err != nil {
		return nil, err
	}
	var results []*Result
	for _, c := range cases {
		r := &Result{Case: c, Envoy: onEnvoy[c.Name], Sluice: onSluice[c.Name]}
		r.Difference = compare(r.Envoy, r.Sluice)
		results = append(results, r)
	}
	return results, nil
}

// runOn plays the cases on a gateway, and stops it.
func (s *stage) runOn(h host) (map[string]string, error) {
	seen := s.run(h)
	return seen, h.stop()
}
