package lab

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/safehold/safehold/safefmt/userconfig"
)

//go:embed all:module
var moduleSources embed.FS

// Password of the console and of the first contact between the nodes, in the lab.
const Password = "a-lab-password"

// FormCluster starts both daemons and makes one cluster of them, as an
// administrator would: a password on each, cluster.xml on the first, spread.
func (l *Lab) FormCluster(ctx context.Context) error {
	for _, n := range l.Nodes {
		if err := n.StartDaemon(ctx); err != nil {
			return err
		}
		if _, err := n.Safekit(ctx, "webservercfg", "-passwd", Password); err != nil {
			return err
		}
	}
	first := l.Nodes[0]
	if err := os.WriteFile(first.Path("/srv/cluster.xml"), []byte(l.ClusterXML()), 0o600); err != nil {
		return fmt.Errorf("form cluster: %w", err)
	}
	if _, err := first.Safekit(ctx, "cluster", "config", "/srv/cluster.xml"); err != nil {
		return err
	}
	_, err := first.Safekit(ctx, "-H", "*", "-G")
	return err
}

// ClusterXML names the lab's nodes and networks.
func (l *Lab) ClusterXML() string {
	var b strings.Builder
	b.WriteString("<cluster>\n  <lans>\n")
	for _, net := range networks {
		fmt.Fprintf(&b, "    <lan name=\"%s\">\n", net)
		for _, n := range l.Nodes {
			fmt.Fprintf(&b, "      <node name=\"%s\" addr=\"%s\"/>\n", n.Name, net.Addr(n.Number))
		}
		b.WriteString("    </lan>\n")
	}
	b.WriteString("  </lans>\n</cluster>\n")
	return b.String()
}

// Acks is the client's file of acknowledged records of a module.
func (l *Lab) Acks(module string) string { return filepath.Join(l.dir, module+".acks") }

// DataDir is the replicated directory of a writer module.
func DataDir(module string) string { return "/srv/" + module }

// DeployWriter installs the writer module under the name on both nodes with
// the heartbeat timeout given, and makes its directory.
func (l *Lab) DeployWriter(ctx context.Context, name string, timeout time.Duration) error {
	for _, n := range l.Nodes {
		if _, err := n.Run(ctx, "mkdir", "-p", DataDir(name)); err != nil {
			return err
		}
	}
	return l.Deploy(ctx, name, moduleSources, "module/writer", map[string]string{
		"DATA": DataDir(name), "LAB": writerBinary, "ACKS": filepath.Join(clientMount, filepath.Base(l.Acks(name))), "TIMEOUT": fmt.Sprintf("%dms", timeout.Milliseconds()),
	})
}

// Deploy packs the module source below dir of files, installs it on the first
// node, fills in its macros and configures it on both nodes.
func (l *Lab) Deploy(ctx context.Context, name string, files fs.FS, dir string, macros map[string]string) error {
	first := l.Nodes[0]
	source := first.Path("/srv/.source-" + name)
	if err := copySource(files, dir, source); err != nil {
		return err
	}
	defer os.RemoveAll(source)
	pack := filepath.Join(filepath.Dir(source), name+".safe")
	if err := packDir(ctx, source, pack); err != nil {
		return err
	}
	defer os.Remove(pack)
	if _, err := first.Safekit(ctx, "module", "install", "-m", name, "/srv/"+name+".safe"); err != nil {
		return err
	}
	if err := setMacros(first.Path("/opt/safekit/modules/"+name+"/conf/userconfig.xml"), macros); err != nil {
		return err
	}
	_, err := first.Safekit(ctx, "-H", "*", "-E", name)
	return err
}

func copySource(files fs.FS, dir, to string) error {
	return fs.WalkDir(files, dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		raw, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(rel, "bin/") {
			mode = 0o755
		}
		return os.WriteFile(target, raw, mode)
	})
}

func setMacros(file string, macros map[string]string) error {
	src, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("set parameters: %w", err)
	}
	for name, value := range macros {
		if src, err = userconfig.SetMacro(src, name, value); err != nil {
			return fmt.Errorf("set parameters: %w", err)
		}
	}
	return os.WriteFile(file, src, 0o640)
}

// WaitState waits until the module is in the stable state on the node.
func (n *Node) WaitState(ctx context.Context, module, state string) error {
	wait, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if out, err := n.Safekit(wait, "waitstate", "-m", module, state); err != nil {
		now, _ := n.Safekit(ctx, "state", "-v", "-m", module)
		log, _ := n.Safekit(ctx, "log", "-m", module, "-A", "-s", "60")
		own, _ := n.Run(ctx, "tail", "-n", "40", "/var/safekit/modules/"+module+"/supervisor.out")
		return fmt.Errorf("%s: %s does not become %s: %w\n%s\n%s\n%s\n%s", n.Name, module, state, err, out, now, log, own)
	}
	return nil
}
