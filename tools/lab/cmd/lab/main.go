// Command lab runs the demonstrations and benchmarks on two nodes of one machine.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/tools/lab"
)

func main() {
	lab.Main()
	root := &cobra.Command{
		Use:           "lab",
		Short:         "Two nodes on one machine: demonstrations and benchmarks",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(demo(), demoKVM(), bench(), writer())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func demo() *cobra.Command {
	var stay bool
	c := &cobra.Command{
		Use:     "demo",
		Short:   "The product's main job: first start, power cut, failover, return, swap",
		Example: "  lab demo\n  lab demo --stay   # leave two usable nodes behind",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return tell(c.Context(), "demo", stay, lab.Demo)
		},
	}
	c.Flags().BoolVar(&stay, "stay", false, "keep both nodes until Enter is pressed or the command is interrupted")
	return c
}

func demoKVM() *cobra.Command {
	var o lab.KVMOptions
	c := &cobra.Command{
		Use:     "demo-kvm",
		Short:   "The same with a real virtual machine under libvirt",
		Example: "  lab demo-kvm\n  lab demo-kvm --tutorial   # with the userconfig.xml of older tutorials",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return tell(c.Context(), "demo-kvm", o.Stay, lab.DemoKVM(o))
		},
	}
	c.Flags().BoolVar(&o.Stay, "stay", false, "start the pair again and keep both nodes until the command is interrupted")
	c.Flags().BoolVar(&o.Tutorial, "tutorial", false, "take the userconfig.xml of older tutorials, with its default times")
	return c
}

// tell makes a lab, runs the story on it and cleans up, whatever happens.
func tell(ctx context.Context, id string, stay bool, play func(context.Context, *lab.Lab, *lab.Story) error) (err error) {
	product, err := filepath.Abs(filepath.Dir(os.Args[0]))
	if err != nil {
		return err
	}
	story := lab.NewStory(os.Stdout, time.Now)
	story.Say("Make two nodes of this machine, each with its own disk, networks and processes")
	dir := filepath.Join("/var/tmp", fmt.Sprintf("safehold-%s-%d", id, os.Getpid()))
	l, err := lab.New(ctx, lab.Options{Dir: dir, ID: fmt.Sprintf("%s-%d", id, os.Getpid()), Product: product})
	if err != nil {
		return err
	}
	defer func() {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if cerr := l.Close(clean); err == nil {
			err = cerr
		}
	}()
	if err := play(ctx, l, story); err != nil {
		return err
	}
	story.Table()
	fmt.Println("\n  All held.")
	if stay {
		return linger(ctx, l)
	}
	return nil
}

// linger says how to use the nodes and waits.
func linger(ctx context.Context, l *lab.Lab) error {
	fmt.Println("\nBoth nodes stay until this command is interrupted (Ctrl-C). A shell on each, from another terminal:")
	for _, n := range l.Nodes {
		fmt.Printf("  %s: nsenter --target %d --all --wd=/ env PATH=/opt/safekit:$PATH bash\n", n.Name, n.Pid())
	}
	<-ctx.Done()
	return nil
}

func bench() *cobra.Command {
	var cuts, modules int
	c := &cobra.Command{
		Use:     "bench",
		Short:   "Measure failover times and what 25 mirror modules cost",
		Example: "  lab bench\n  lab bench --cuts 10 --modules 0",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return tell(c.Context(), "bench", false, lab.Bench(cuts, modules))
		},
	}
	c.Flags().IntVar(&cuts, "cuts", 10, "power cuts and clean stops to measure; 0 leaves this part out")
	c.Flags().IntVar(&modules, "modules", 25, "idle mirror modules; 0 leaves this part out")
	return c
}

func writer() *cobra.Command {
	var pidfile string
	c := &cobra.Command{
		Use:    "writer RECORDS ACKS",
		Short:  "The application of the demonstration",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE:   func(_ *cobra.Command, args []string) error { return lab.Write(args[0], args[1], pidfile) },
	}
	c.Flags().StringVar(&pidfile, "pidfile", "", "where to write the process id")
	return c
}
