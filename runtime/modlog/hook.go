package modlog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/runtime/ha"
)

// The logrus fields a Hook understands.
const (
	FieldOrigin = "origin" // the second field of the line
	FieldLevel  = "level"  // ha.Level, or its letter; else the logrus level decides
)

// Hook copies the entries of a logrus logger into a module log. Other fields
// follow the message as key=value, so that known messages stay a prefix.
type Hook struct {
	Log    *Log
	Origin string // for entries without FieldOrigin
}

// Levels implements logrus.Hook: every level.
func (h Hook) Levels() []logrus.Level { return logrus.AllLevels }

// Fire implements logrus.Hook.
func (h Hook) Fire(e *logrus.Entry) error {
	origin := h.Origin
	if s, ok := e.Data[FieldOrigin].(string); ok {
		origin = s
	}
	return h.Log.Append(e.Time, origin, entryLevel(e), entryText(e))
}

func entryLevel(e *logrus.Entry) ha.Level {
	switch l := e.Data[FieldLevel].(type) {
	case ha.Level:
		if known(l) {
			return l
		}
	case string:
		if len(l) == 1 && known(ha.Level(l[0])) {
			return ha.Level(l[0])
		}
	}
	switch e.Level {
	case logrus.PanicLevel, logrus.FatalLevel, logrus.ErrorLevel:
		return ha.Critical
	case logrus.WarnLevel:
		return ha.Warning
	case logrus.InfoLevel:
		return ha.Info
	default:
		return ha.Debug
	}
}

func entryText(e *logrus.Entry) string {
	var b strings.Builder
	b.WriteString(e.Message)
	for _, key := range slices.Sorted(maps.Keys(e.Data)) {
		if key == FieldOrigin || key == FieldLevel {
			continue
		}
		value := fmt.Sprint(e.Data[key])
		if value == "" || strings.ContainsAny(value, " \"=") {
			value = fmt.Sprintf("%q", value)
		}
		fmt.Fprintf(&b, " %s=%s", key, value)
	}
	return b.String()
}
