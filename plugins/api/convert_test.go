package api

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	pb "github.com/safehold/safehold/plugins/api/proto"
	"github.com/safehold/safehold/runtime/ha"
)

// fill sets every field of v to a drawn value, so that a field the conversions
// forget is seen.
func fill(t *rapid.T, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "s"), 5).UTC()))
		return
	case netip.AddrPort:
		a := netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(t, "ip")})
		v.Set(reflect.ValueOf(netip.AddrPortFrom(a, rapid.Uint16().Draw(t, "port"))))
		return
	case ha.Generation:
		g := ha.Generation{1}
		g[15] = rapid.Byte().Draw(t, "g")
		v.Set(reflect.ValueOf(g))
		return
	case DataRole, SyncMode:
		v.SetUint(rapid.Uint64Range(0, 2).Draw(t, "enum"))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Slice:
		n := rapid.IntRange(0, 3).Draw(t, "len")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		elem := reflect.New(v.Type().Elem()).Elem()
		fill(t, elem)
		v.SetMapIndex(reflect.ValueOf("k"), elem)
	case reflect.String:
		v.SetString(rapid.StringMatching(`[a-z/é]{1,8}`).Draw(t, "str"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64Range(1, 1<<40).Draw(t, "int"))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(rapid.Uint64Range(1, 3).Draw(t, "uint"))
	case reflect.Float64:
		v.SetFloat(rapid.Float64Range(0, 1e9).Draw(t, "float"))
	default:
		t.Fatalf("no filler for %v", v.Type())
	}
}

// wire sends a message through its wire form.
func wire[M proto.Message](t *rapid.T, m M) M {
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	out := m.ProtoReflect().New().Interface().(M)
	if err := proto.Unmarshal(raw, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func roundTrip[V any, M proto.Message](t *testing.T, to func(V) M, from func(M) (V, error)) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		var v V
		fill(t, reflect.ValueOf(&v).Elem())
		got, err := from(wire(t, to(v)))
		if err != nil {
			t.Fatal(err)
		}
		addr := cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })
		if d := cmp.Diff(v, got, cmpopts.EquateEmpty(), addr); d != "" {
			t.Fatalf("lost on the wire (-sent +got):\n%s", d)
		}
	})
}

func sure[M, V any](f func(M) V) func(M) (V, error) {
	return func(m M) (V, error) { return f(m), nil }
}

func TestNothingIsLostOnTheWire(t *testing.T) {
	t.Run("info", func(t *testing.T) { roundTrip(t, infoPB, sure(infoFromPB)) })
	t.Run("heartbeat config", func(t *testing.T) { roundTrip(t, heartbeatConfigPB, heartbeatConfigFromPB) })
	t.Run("heartbeat event", func(t *testing.T) { roundTrip(t, heartbeatEventPB, heartbeatEventFromPB) })
	t.Run("check", func(t *testing.T) { roundTrip(t, checkPB, sure(checkFromPB)) })
	t.Run("result", func(t *testing.T) { roundTrip(t, resultPB, resultFromPB) })
	t.Run("replication config", func(t *testing.T) {
		roundTrip(t, replicationConfigPB, sure(replicationConfigFromPB))
	})
	t.Run("assignment", func(t *testing.T) { roundTrip(t, assignmentPB, assignmentFromPB) })
	t.Run("facts", func(t *testing.T) { roundTrip(t, factsPB, factsFromPB) })
	t.Run("data event", func(t *testing.T) { roundTrip(t, dataEventPB, dataEventFromPB) })
}

func TestZeroValuesStayZero(t *testing.T) {
	a, err := assignmentFromPB(assignmentPB(Assignment{}))
	if err != nil || a != (Assignment{}) {
		t.Errorf("assignment: %+v, %v", a, err)
	}
	e, err := dataEventFromPB(&pb.DataEvent{})
	if err != nil || !e.Facts.SyncedAt.IsZero() || !e.Facts.History.Current.IsZero() {
		t.Errorf("event: %+v, %v", e, err)
	}
	if c, err := heartbeatConfigFromPB(&pb.HeartbeatConfig{Links: []*pb.HeartbeatLink{{}}}); err != nil || len(c.Links) != 1 {
		t.Errorf("config: %+v, %v", c, err)
	}
}

func TestNumbersOfEnumsAgree(t *testing.T) {
	for what, pair := range map[string][2]int{
		"LinkUp":       {int(LinkUp), int(pb.HeartbeatEvent_LINK_UP)},
		"PeerPayload":  {int(PeerPayload), int(pb.HeartbeatEvent_PEER_PAYLOAD)},
		"PeerAttached": {int(PeerAttached), int(pb.DataEvent_PEER_ATTACHED)},
		"SyncFailed":   {int(SyncFailed), int(pb.DataEvent_SYNC_FAILED)},
		"FactsChanged": {int(FactsChanged), int(pb.DataEvent_FACTS_CHANGED)},
		"Secondary":    {int(DataSecondary), int(pb.Assignment_SECONDARY)},
		"SyncNone":     {int(SyncNone), int(pb.Assignment_NONE)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %d in Go and %d on the wire", what, pair[0], pair[1])
		}
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	if _, err := assignmentFromPB(&pb.Assignment{Role: 9}); err == nil {
		t.Error("unknown role accepted")
	}
	if _, err := assignmentFromPB(&pb.Assignment{Sync: 9}); err == nil {
		t.Error("unknown sync mode accepted")
	}
	if _, err := generationFromPB(&pb.Generation{Id: []byte{1}}); err == nil {
		t.Error("short generation accepted")
	}
	bad := &pb.HeartbeatConfig{Links: []*pb.HeartbeatLink{{Local: "nowhere"}}}
	if _, err := heartbeatConfigFromPB(bad); err == nil {
		t.Error("bad address accepted")
	}
}
