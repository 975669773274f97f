package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/runtime/cluster/link"
	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
	"github.com/safehold/safehold/runtime/proc"
)

// Paths of the link between nodes.
const (
	pathCommand = "/v1/command" // order -> control.RemoteResult
	pathDeploy  = "/v1/deploy"  // package; query: module, id, configure -> control.RemoteResult
	pathView    = "/v1/view"    // control.Ensure -> control.View
)

// Limits of what another node may send or make this one print, bytes.
const (
	maxOrder   = 1 << 20
	maxPackage = 64 << 20
	maxPrinted = 4 << 20
	orderLimit = time.Hour // of a wait command, for instance
)

// order is a command from another node.
type order struct {
	Args []string
	User string // who gave it there
}

// remote answers the other nodes. The link has authenticated them.
func (d *Daemon) remote() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+pathCommand, d.remoteCommand)
	mux.HandleFunc("POST "+pathDeploy, d.remoteDeploy)
	mux.HandleFunc("POST "+pathView, d.remoteView)
	return mux
}

func (d *Daemon) remoteCommand(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder)).Decode(&o); err != nil {
		http.Error(w, "command: "+err.Error(), http.StatusBadRequest)
		return
	}
	if err := refuseLocal(o.Args); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	peer, _ := link.PeerOf(r.Context())
	d.cfg.Log.WithFields(logrus.Fields{"peer": peer.Node, "args": o.Args}).Info("command from another node")
	answer(w, d.execute(r.Context(), o.Args, "via "+string(peer.Node)))
}

// refuseLocal refuses what may not come from another node (commands.md section 1.2).
func refuseLocal(args []string) error {
	if len(args) == 0 {
		return errors.New("no command")
	}
	switch args[0] {
	case "-p", "-r", "logview", "daemon", "supervise", "plugin", "-H":
		return fmt.Errorf("%s cannot be run on another node", args[0])
	}
	return nil
}

// execute runs the product's own command on this node with the words given.
func (d *Daemon) execute(ctx context.Context, args []string, user string) control.RemoteResult {
	ctx, cancel := context.WithTimeout(ctx, orderLimit)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return control.RemoteResult{Err: err.Error(), Exit: 1}
	}
	out := &bounded{left: maxPrinted}
	exit, err := proc.Run(ctx, proc.Spec{
		Path: self, Args: args, Dir: "/", Output: out,
		Env: append(append(os.Environ(), d.cfg.Paths.Env()...), "SAFEHOLD_USER="+user),
	})
	if err != nil {
		return control.RemoteResult{Err: err.Error(), Exit: 1}
	}
	return control.RemoteResult{Output: string(out.text), Exit: exit.Code}
}

// remoteDeploy installs and configures a package that another node sends, with
// that node's module id.
func (d *Daemon) remoteDeploy(w http.ResponseWriter, r *http.Request) {
	name, err := module.ParseName(r.URL.Query().Get("module"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id, err := strconv.Atoi(r.URL.Query().Get("id"))
	if err != nil {
		http.Error(w, "module id: "+err.Error(), http.StatusBadRequest)
		return
	}
	file, err := os.CreateTemp(d.cfg.Paths.Run(), "deploy-*.safe")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer os.Remove(file.Name())
	_, err = io.Copy(file, http.MaxBytesReader(w, r.Body, maxPackage))
	if err = errors.Join(err, file.Close()); err != nil {
		http.Error(w, "receive package: "+err.Error(), http.StatusBadRequest)
		return
	}
	answer(w, d.deployHere(r.Context(), name, id, file.Name(), r.URL.Query().Get("configure") == "yes"))
}

// deployHere installs the package file and configures the module.
func (d *Daemon) deployHere(ctx context.Context, name ha.ModuleName, id int, file string, configure bool) control.RemoteResult {
	done := d.execute(ctx, []string{"module", "install", "-m", string(name), "-M", strconv.Itoa(id), "-r", file}, "root")
	if done.Err != "" || done.Exit != 0 || !configure {
		return done
	}
	configured := d.execute(ctx, []string{"config", "-m", string(name)}, "root")
	configured.Output = done.Output + configured.Output
	return configured
}

// remoteView gives this node's view of a module to the other one.
func (d *Daemon) remoteView(w http.ResponseWriter, r *http.Request) {
	var e control.Ensure
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder)).Decode(&e); err != nil {
		http.Error(w, "view: "+err.Error(), http.StatusBadRequest)
		return
	}
	if _, err := module.ParseName(string(e.Module)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var v control.View
	err := control.Dial(d.cfg.Paths.SupervisorSocket(e.Module)).Call(r.Context(), control.PathView, control.None{}, &v)
	if err != nil {
		http.Error(w, fmt.Sprintf("module %s: %v", e.Module, err), http.StatusNotFound)
		return
	}
	answer(w, v)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the other node went away: nothing to do
}

// bounded keeps the beginning of a command's output.
type bounded struct {
	text []byte
	left int
}

// Write implements io.Writer; what is too much is dropped.
func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.text = append(b.text, p[:n]...)
	b.left -= n
	return len(p), nil
}
