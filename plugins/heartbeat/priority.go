package heartbeat

import (
	"os"
	"strconv"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// niceness puts pulses before the work of a busy machine: missed heartbeats
// under load are failovers without a reason.
const niceness = -10

// raisePriority acts on every thread of this process; later ones inherit.
func raisePriority(log logrus.FieldLogger) {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		log.WithError(err).Warn("the heartbeat keeps its ordinary priority")
		return
	}
	for _, t := range threads {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, tid, niceness); err != nil {
			log.WithError(err).Warn("the heartbeat keeps its ordinary priority")
			return
		}
	}
}
