package heartbeat

import (
	"fmt"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/heartbeat/seal"
)

func validate(cfg api.HeartbeatConfig) error {
	if len(cfg.Key) != seal.KeySize {
		return fmt.Errorf("the key has %d bytes, want %d: %w", len(cfg.Key), seal.KeySize, api.ErrInvalid)
	}
	if cfg.Module == "" || cfg.Local == "" || cfg.Peer == "" || cfg.Local == cfg.Peer {
		return fmt.Errorf("module %q, local %q and peer %q must be named, the nodes differently: %w",
			cfg.Module, cfg.Local, cfg.Peer, api.ErrInvalid)
	}
	seen := map[string]bool{}
	for _, l := range cfg.Links {
		if l.Ident == "" || seen[l.Ident] {
			return fmt.Errorf("link %q: the ident is missing or used twice: %w", l.Ident, api.ErrInvalid)
		}
		seen[l.Ident] = true
		if err := validateLink(l); err != nil {
			return fmt.Errorf("link %s: %w", l.Ident, err)
		}
	}
	return nil
}

func validateLink(l api.Link) error {
	switch {
	case !l.Local.IsValid() || !l.Peer.IsValid() || l.Peer.Port() == 0:
		return fmt.Errorf("addresses %v and %v: %w", l.Local, l.Peer, api.ErrInvalid)
	case l.Local.Addr().Unmap().Is4() != l.Peer.Addr().Unmap().Is4():
		return fmt.Errorf("addresses %v and %v are of different families: %w", l.Local, l.Peer, api.ErrInvalid)
	case l.Pulse <= 0 || l.Timeout <= l.Pulse:
		return fmt.Errorf("pulse %v and timeout %v: the timeout must be longer: %w", l.Pulse, l.Timeout, api.ErrInvalid)
	default:
		return nil
	}
}
