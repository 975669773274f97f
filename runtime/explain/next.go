package explain

import (
	"fmt"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// next is what an administrator should do, most useful first. Nothing when all is well.
func next(p Pair) []string {
	m, v := p.Local.Module, p.Local
	notUpToDate := v.Data != nil && !up(v, "rfs.uptodate")
	switch {
	case v.Mode != ha.Mirror:
		return nextAlone(p)
	case protected(p):
		return nil
	case v.Data != nil && v.Data.History.Current.IsZero() && peerNew(p) && len(servers(p)) == 0:
		return []string{
			fmt.Sprintf("This is the first start: on the node that has the valid data run: safekit stop -m %s; safekit prim -m %s", m, m),
			fmt.Sprintf("then on the other node: safekit start -m %s", m),
		}
	case v.Local.State == ha.Stop:
		return []string{fmt.Sprintf("Start the module here: safekit start -m %s", m)}
	case v.Local.State == ha.Wait && notUpToDate && !v.Remote.State.Primary():
		return []string{
			fmt.Sprintf("Start the module on %s, which has newer data: safekit start -m %s", v.Peer, m),
			fmt.Sprintf("Only if %s is lost for good, and knowing that its newest data are lost with it: safekit stop -m %s; safekit prim -m %s", v.Peer, m, m),
		}
	case v.Local.State.Primary() && v.Remote.State == ha.Unknown:
		return []string{fmt.Sprintf("Bring %s and its networks back, then run there: safekit start -m %s", v.Peer, m)}
	case v.Syncing:
		return []string{"Wait for the synchronisation to end; the application may be used meanwhile."}
	default:
		return nil
	}
}

func nextAlone(p Pair) []string {
	if p.Local.Local.State == ha.Stop {
		return []string{fmt.Sprintf("Start the module: safekit start -m %s", p.Local.Module)}
	}
	return nil
}

// peerNew tells that the peer, as far as is known, has no data either.
func peerNew(p Pair) bool {
	return p.Peer == nil || p.Peer.Data == nil || p.Peer.Data.History.Current.IsZero()
}

// Progress says how far a synchronisation is, in one line.
func Progress(s api.SyncStats) string {
	text := fmt.Sprintf("%s of %s", bytes(s.Done), bytes(s.Total))
	if s.Total > 0 {
		text += fmt.Sprintf(" (%d%%)", min(100, 100*s.Done/s.Total))
	}
	if s.Rate > 0 {
		text += fmt.Sprintf(", %s/s", bytes(int64(s.Rate)))
	}
	if s.Remaining > 0 {
		text += ", " + s.Remaining.Round(time.Second).String() + " left"
	}
	return text
}

func bytes(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
	}
}
