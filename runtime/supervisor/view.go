package supervisor

import (
	"os"

	"github.com/safehold/safehold/runtime/control"
)

func (s *Supervisor) viewRequest(control.None) (control.View, error) { return s.view(), nil }

// view is everything this node knows of the module.
func (s *Supervisor) view() control.View {
	v := control.View{
		Module: s.cfg.Module, ID: s.active.ID, Mode: s.active.Config.Service.Mode,
		Node: s.active.Local, Peer: s.active.Peer,
		Local: s.local, LocalSince: s.localSince,
		Remote: s.remote, RemoteSeen: s.remoteSeen,
		Rule: s.rule, Waiting: s.waiting,
		Data: s.data.facts, Sync: s.data.stats, Syncing: s.data.syncing,
		Signature: s.active.Signature, PID: os.Getpid(),
	}
	if s.active.PeerAddr.IsValid() {
		v.PeerAddr = s.active.PeerAddr.Addr().String()
	} else if len(s.active.Links) > 0 {
		v.PeerAddr = s.active.Links[0].Peer.Addr().String()
	}
	if s.script != nil {
		v.Script, v.ScriptFrom = s.script.name, s.script.from
	}
	for _, e := range s.resources.List() {
		v.LocalResources = append(v.LocalResources, control.Resource{Name: e.Resource.String(), Value: e.Value, Setter: e.By, Changed: e.Date})
	}
	for _, e := range s.resources.ListRemote() {
		v.RemoteResources = append(v.RemoteResources, control.Resource{Name: e.Resource.String(), Value: e.Value, Changed: e.Date})
	}
	return v
}
