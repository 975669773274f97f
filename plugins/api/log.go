package api

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/sirupsen/logrus"
)

// NewLogger gives a plugin a logger whose lines reach the core's log with
// level and fields: JSON lines of the hclog form on the standard error the
// process was started with. Call it before Serve…, which replaces os.Stderr.
func NewLogger(name string) *logrus.Logger {
	log := logrus.New()
	log.SetOutput(os.Stderr)
	log.SetFormatter(hclogFormatter{name: name})
	return log
}

// hclogFormatter writes entries the way go-plugin's host reads them.
type hclogFormatter struct{ name string }

const hclogTime = "2006-01-02T15:04:05.000000Z07:00"

// Format gives one line.
func (f hclogFormatter) Format(e *logrus.Entry) ([]byte, error) {
	line := make(map[string]any, len(e.Data)+4)
	for k, v := range e.Data {
		switch v := v.(type) {
		case error:
			line[k] = v.Error()
		case time.Duration:
			line[k] = v.String()
		default:
			line[k] = v
		}
	}
	line["@level"] = hclogLevel(e.Level)
	line["@message"] = e.Message
	line["@module"] = f.name
	line["@timestamp"] = e.Time.Format(hclogTime)
	out, err := json.Marshal(line)
	if err != nil {
		return nil, fmt.Errorf("write the log line %q: %w", e.Message, err)
	}
	return append(out, '\n'), nil
}

func hclogLevel(l logrus.Level) string {
	switch l {
	case logrus.PanicLevel, logrus.FatalLevel, logrus.ErrorLevel:
		return "error"
	case logrus.WarnLevel:
		return "warn"
	case logrus.InfoLevel:
		return "info"
	case logrus.DebugLevel:
		return "debug"
	default:
		return "trace"
	}
}
