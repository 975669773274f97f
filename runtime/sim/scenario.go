package sim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/safehold/safehold/runtime/ha"
)

// Play runs a scenario text: an optional line "options …", then commands, one a
// line (see World.Do). The error names the line.
func Play(text string, base Options) (*World, error) {
	w := (*World)(nil)
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if w == nil {
			o, used, err := parseOptions(line, base)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			w = New(o)
			if used {
				continue
			}
		}
		if err := w.Do(line); err != nil {
			return w, fmt.Errorf("line %d: %q: %w", i+1, line, err)
		}
	}
	return w, nil
}

func parseOptions(line string, o Options) (Options, bool, error) {
	words, ok := strings.CutPrefix(line, "options")
	if !ok {
		return o, false, nil
	}
	for _, word := range strings.Fields(words) {
		k, v, _ := strings.Cut(word, "=")
		var err error
		switch k {
		case "seed":
			o.Seed, err = strconv.ParseUint(v, 10, 64)
		case "mode":
			o.Mode, err = ha.ParseMode(v)
		case "defaultprim":
			o.DefaultPrim = v
		case "failover":
			o.FailoverOff = v == "off"
		case "flow":
			o.Flow = true
		case "onelink":
			o.OneLink = true
		case "plain":
			o.Plain = true
		case "durable":
			o.Durable = true
		case "reboot":
			o.Reboot = true
		case "slowcopy":
			o.SlowCopy = true
		case "reattach":
			o.Reattach = true
		case "lossy":
			o.Lossy = true
		default:
			err = fmt.Errorf("unknown option %q", k)
		}
		if err != nil {
			return o, true, err
		}
	}
	return o, true, nil
}

// String writes options as a line of a scenario.
func (o Options) String() string {
	s := "options seed=" + strconv.FormatUint(o.Seed, 10)
	if o.Mode != 0 && o.Mode != ha.Mirror {
		s += " mode=" + o.Mode.String()
	}
	if o.DefaultPrim != "" {
		s += " defaultprim=" + o.DefaultPrim
	}
	if o.FailoverOff {
		s += " failover=off"
	}
	for _, f := range []struct {
		on   bool
		name string
	}{{o.Flow, "flow"}, {o.OneLink, "onelink"}, {o.Plain, "plain"}, {o.Durable, "durable"}, {o.Reboot, "reboot"}, {o.SlowCopy, "slowcopy"}, {o.Reattach, "reattach"}, {o.Lossy, "lossy"}} {
		if f.on {
			s += " " + f.name
		}
	}
	return s
}
