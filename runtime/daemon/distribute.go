package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/safehold/safehold/runtime/cluster/link"
	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
)

// target is one server of a distributed command.
type target struct {
	url   string      // shown in the header
	node  ha.NodeName // "" when named by address
	addrs []string
	local bool
}

// distribute runs a command on several servers at once (commands.md section 1.2).
func (d *Daemon) distribute(ctx context.Context, r control.Remote) (control.RemoteResults, error) {
	if r.Cluster {
		return d.spreadCluster(ctx)
	}
	targets, err := d.targets(r.Servers)
	if err != nil {
		return control.RemoteResults{}, err
	}
	do := func(t target) control.RemoteResult { return d.command(ctx, t, r.Args) }
	if r.Deploy != "" {
		file, send, err := d.packed(ctx, r.Deploy)
		if err != nil {
			return control.RemoteResults{}, err
		}
		defer os.Remove(file)
		do = send
	} else if err := refuseLocal(r.Args); err != nil {
		return control.RemoteResults{}, err
	}
	out := control.RemoteResults{Results: make([]control.RemoteResult, len(targets))}
	var all sync.WaitGroup
	for i, t := range targets {
		all.Go(func() {
			out.Results[i] = do(t)
			out.Results[i].Server = t.url
		})
	}
	all.Wait()
	return out, nil
}

// command runs words on one server.
func (d *Daemon) command(ctx context.Context, t target, args []string) control.RemoteResult {
	if t.local {
		return d.execute(ctx, args, "root")
	}
	body, err := json.Marshal(order{Args: args, User: "root"})
	if err != nil {
		return control.RemoteResult{Err: err.Error(), Exit: 1}
	}
	var res control.RemoteResult
	if err := d.call(ctx, t, pathCommand, bytes.NewReader(body), &res); err != nil {
		return control.RemoteResult{Err: err.Error(), Exit: 1}
	}
	return res
}

// packed packs a module for -E and gives the function that installs it on one server.
func (d *Daemon) packed(ctx context.Context, name ha.ModuleName) (string, func(target) control.RemoteResult, error) {
	rec, err := d.store.Record(name)
	if err != nil {
		return "", nil, err
	}
	file := filepath.Join(d.cfg.Paths.Run(), fmt.Sprintf("send-%s-%d.safe", name, os.Getpid()))
	if err := d.store.Package(ctx, name, file); err != nil {
		return "", nil, err
	}
	query := url.Values{"module": {string(name)}, "id": {strconv.Itoa(rec.ID)}, "configure": {"yes"}}
	return file, func(t target) control.RemoteResult {
		if t.local {
			return d.execute(ctx, []string{"config", "-m", string(name)}, "root")
		}
		pack, err := os.Open(file)
		if err != nil {
			return control.RemoteResult{Err: err.Error(), Exit: 1}
		}
		defer pack.Close()
		var res control.RemoteResult
		if err := d.call(ctx, t, pathDeploy+"?"+query.Encode(), pack, &res); err != nil {
			return control.RemoteResult{Err: err.Error(), Exit: 1}
		}
		return res
	}, nil
}

// call posts to a server at its first address that answers.
func (d *Daemon) call(ctx context.Context, t target, path string, body io.ReadSeeker, out any) error {
	ctx, cancel := context.WithTimeout(ctx, orderLimit)
	defer cancel()
	var session *link.Session
	err := errors.New("no address")
	for _, addr := range t.addrs {
		if session, err = d.dialer.Open(ctx, addr, t.node); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	defer session.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+link.ServerName+path, body)
	if err != nil {
		return err
	}
	if req.ContentLength, err = body.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	resp, err := session.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 2*maxPrinted))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(raw)))
	}
	return json.Unmarshal(raw, out)
}

// spreadCluster copies the cluster folder to every node of it: -G.
func (d *Daemon) spreadCluster(ctx context.Context) (control.RemoteResults, error) {
	results, err := d.cluster.Distribute(ctx, d.dialer, link.Port)
	if err != nil {
		return control.RemoteResults{}, err
	}
	var out control.RemoteResults
	for _, r := range results {
		one := control.RemoteResult{Server: string(r.Node)}
		if r.Err != nil {
			one.Err, one.Exit = r.Err.Error(), 1
		}
		out.Results = append(out.Results, one)
	}
	d.poke()
	return out, nil
}

// peerView asks the other node of a mirror for its own view of the module.
func (d *Daemon) peerView(ctx context.Context, p control.PeerView) (control.View, error) {
	a := d.cluster.Active()
	if a == nil {
		return control.View{}, module.ErrNoCluster
	}
	body, err := json.Marshal(control.Ensure{Module: p.Module})
	if err != nil {
		return control.View{}, err
	}
	var v control.View
	t := target{node: p.Node, addrs: link.Addresses(a.Config, p.Node, link.Port)}
	return v, d.call(ctx, t, pathView, bytes.NewReader(body), &v)
}
