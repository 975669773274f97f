package cli

import (
	"fmt"
	"io"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/runtime/cluster"
	"github.com/safehold/safehold/runtime/module"
)

// cluster reads the cluster configuration in force; nil when there is none.
func (a *App) cluster() (*module.Cluster, error) {
	log := logrus.New()
	log.SetOutput(io.Discard) // the daemon tells about the same findings
	m, err := cluster.Open(cluster.Options{Dir: a.Paths.Cluster(), Log: log, Now: a.Now})
	if err != nil {
		return nil, fmt.Errorf("cluster configuration: %w", err)
	}
	active := m.Active()
	if active == nil {
		return nil, nil
	}
	return &module.Cluster{Config: active.Config, Local: active.Node}, nil
}
