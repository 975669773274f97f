package automaton

import "github.com/safehold/safehold/runtime/ha"

// winner is the outcome of a comparison of two nodes.
type winner uint8

const (
	nobody winner = iota
	mine
	peers
)

// candidate is a node in WAIT, as its published state shows it.
type candidate struct {
	PeerState
	usable    bool // up to date and consistent, or nothing replicated
	preferred bool // named by defaultprim, or lastprim where that is the rule
}

// elect decides which of two nodes that see each other in WAIT becomes primary
// (states.md sections 5.3 and 5.4). Both nodes come to the same answer: it is
// symmetric in its arguments.
func elect(a, b candidate, rel ha.Relation) winner {
	if w := forcedVerb(a, b); w != nobody {
		return w
	}
	switch {
	case a.usable && !b.usable:
		return mine
	case b.usable && !a.usable:
		return peers
	case !a.usable:
		return afterHandover(a, b, rel)
	}
	switch rel {
	case ha.Ahead:
		return mine
	case ha.Behind:
		return peers
	case ha.Same, ha.NoData, ha.Diverged:
	}
	return prefer(a, b, [][2]bool{{a.LastPrim, b.LastPrim}, {!a.TookOver, !b.TookOver}, {a.preferred, b.preferred}})
}

// forcedVerb lets a node started as primary win over one that only waits.
func forcedVerb(a, b candidate) winner {
	force := func(v ha.Verb) bool { return v == ha.VerbPrim || v == ha.VerbPrimForce }
	switch {
	case force(a.Verb) && force(b.Verb):
		return prefer(a, b, nil)
	case force(a.Verb):
		return mine
	case force(b.Verb):
		return peers
	default:
		return nobody
	}
}

// afterHandover: a primary stopped, and its secondary ended before it took over.
// Both count as not up to date, but their histories are the same, so nobody
// wrote since, and the former primary has everything.
func afterHandover(a, b candidate, rel ha.Relation) winner {
	if rel != ha.Same || a.Data.History.Current.IsZero() {
		return nobody
	}
	whole := func(c candidate) bool { return c.LastPrim && c.Data.Clean && c.Data.Consistent && !c.Data.PeerBehind }
	switch {
	case whole(a) && whole(b):
		return prefer(a, b, nil)
	case whole(a):
		return mine
	case whole(b):
		return peers
	default:
		return nobody
	}
}

// prefer takes the first difference, then the order of cluster.xml.
func prefer(a, b candidate, by [][2]bool) winner {
	for _, p := range append(by, [2]bool{a.First, b.First}) {
		switch {
		case p[0] && !p[1]:
			return mine
		case p[1] && !p[0]:
			return peers
		}
	}
	return nobody
}

// stays decides which of two primaries that see each other stays (states.md
// section 9). It is symmetric, too.
func stays(a, b PeerState, rel ha.Relation) bool {
	switch rel {
	case ha.Ahead:
		return true
	case ha.Behind:
		return false
	case ha.Same:
		if a.Epoch != b.Epoch {
			return a.Epoch > b.Epoch
		}
	case ha.NoData, ha.Diverged:
	}
	if a.TookOver != b.TookOver {
		return !a.TookOver
	}
	if a.Epoch != b.Epoch {
		return a.Epoch > b.Epoch
	}
	return a.First
}
