package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/explain"
	"github.com/safehold/safehold/runtime/ha"
)

// peerPatience bounds the question to the other node.
const peerPatience = 5 * time.Second

func (a *App) explain() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain -m AM",
		Short: "Say why a module is in its state and what to do next",
		Long: `Say in plain sentences whether the module serves and is protected, why each node
is in its state, and what to do next. The other node is asked too.`,
		Example: `  safekit explain -m AM`,
		Args:    noArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		m, err := a.module(cmd)
		if err != nil {
			return err
		}
		v, err := a.view(cmd.Context(), m)
		if err != nil {
			return err
		}
		if v.Node == "" { // a module without a cluster
			v.Node = "this node"
		}
		fmt.Fprint(a.Out, explain.Explain(explain.Pair{Local: v, Peer: a.peerView(cmd.Context(), v), Now: a.Now()}))
		return nil
	}
	return a.moduleFlag(cmd)
}

// peerView is the other node's own view, nil when it does not answer.
func (a *App) peerView(ctx context.Context, v control.View) *control.View {
	if v.Mode != ha.Mirror {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, peerPatience)
	defer cancel()
	var peer control.View
	if err := a.daemon().Call(ctx, control.PathPeerView, control.PeerView{Module: v.Module, Node: v.Peer}, &peer); err != nil {
		return nil // told by the explanation
	}
	return &peer
}
