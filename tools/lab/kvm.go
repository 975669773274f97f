package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// The demonstration's virtual machine: its name in libvirt, which is also the
// module's, and the folder above its own.
const (
	vmName = "vm1"
	vmPath = "/srv/vm"
	vmDir  = vmPath + "/" + vmName
)

// KVMOptions of the demonstration with a virtual machine.
type KVMOptions struct {
	// Tutorial takes the userconfig.xml of older tutorials, with its default
	// times, instead of the one that comes with kvm.safe.
	Tutorial bool
	// Stay ends with the machine at work instead of stopped.
	Stay bool
}

// DemoKVM gives the story of a virtual machine that survives its server. It
// fails unless everything held.
func DemoKVM(o KVMOptions) func(context.Context, *Lab, *Story) error {
	return func(ctx context.Context, l *Lab, s *Story) error {
		d := &kvmJourney{options: o, lab: l, story: s, one: l.Nodes[0], two: l.Nodes[1]}
		steps := []kvmStep{
			{"Name the nodes and networks, make the keys, spread them (cluster config, -G)", l.FormCluster},
			{"Start libvirt on both nodes, each its own", d.startLibvirt},
			{"Make a virtual machine on node1: kernel, one program, a disk (virsh define)", d.makeMachine},
			{"Install kvm.safe as vm1, fill in its parameters, apply on both nodes (module install, -E)", d.install},
			{"node1 has the machine: start it as primary (prim)", d.first},
			{"Start node2 and resynchronise it while the machine works (start)", d.join},
			{"Power cut on node1 in the middle of writing; node2 starts the machine", d.failover},
			{"Power is back on node1; it catches up while node2 serves (start)", d.comeBack},
			{"Give the machine back in good order (swap)", d.swap},
			{"Stop the pair; the machine shuts down in good order (stop)", d.stop},
		}
		if o.Stay {
			steps = append(steps, kvmStep{"Start both again (start)", d.again})
		}
		for _, step := range steps {
			if err := s.Step(step.title, func() error { return step.do(ctx) }); err != nil {
				return err
			}
		}
		return nil
	}
}

// kvmStep is one chapter of the story.
type kvmStep struct {
	title string
	do    func(context.Context) error
}

// kvmJourney is the demonstration in progress.
type kvmJourney struct {
	options  KVMOptions
	lab      *Lab
	story    *Story
	one, two *Node
}

func (d *kvmJourney) startLibvirt(ctx context.Context) error {
	for _, n := range d.lab.Nodes {
		if err := n.StartLibvirt(ctx); err != nil {
			return err
		}
	}
	return nil
}

// makeMachine does what an administrator has done before: a machine on node1,
// whose files lie in a folder of their own, and an empty folder on node2.
func (d *kvmJourney) makeMachine(ctx context.Context) error {
	for _, n := range d.lab.Nodes {
		if _, err := n.Run(ctx, "mkdir", "-p", vmDir); err != nil {
			return err
		}
	}
	if err := BuildGuest(ctx, d.one.Path(vmDir)); err != nil {
		return err
	}
	definition := d.one.Path("/srv/" + vmName + ".xml")
	text := domainXML(vmName, vmDir, filepath.Join(clientMount, filepath.Base(d.consoleFile())))
	if err := os.WriteFile(definition, []byte(text), 0o600); err != nil {
		return fmt.Errorf("define the machine: %w", err)
	}
	_, err := d.one.Run(ctx, "virsh", "define", "/srv/"+vmName+".xml")
	return err
}

// install deploys the module; node2 is told nothing of the machine.
func (d *kvmJourney) install(ctx context.Context) error {
	if _, err := d.one.Safekit(ctx, "module", "install", "-m", vmName, "kvm.safe"); err != nil {
		return err
	}
	file := d.one.Path("/opt/safekit/modules/" + vmName + "/conf/userconfig.xml")
	configure := vmParameters
	if d.options.Tutorial {
		configure = vmTutorial
	}
	if err := configure(file); err != nil {
		return err
	}
	if _, err := d.one.Safekit(ctx, "-H", "*", "-E", vmName); err != nil {
		return err
	}
	if _, err := d.one.Run(ctx, "test", "-s", vmDir+"/domain.xml"); err != nil {
		return fmt.Errorf("the configuration did not write the machine's definition beside its disk: %w", err)
	}
	return nil
}

func (d *kvmJourney) first(ctx context.Context) error {
	if _, err := d.one.Safekit(ctx, "prim", "-m", vmName); err != nil {
		return err
	}
	if err := d.one.WaitState(ctx, vmName, "ALONE"); err != nil {
		return err
	}
	c, err := d.works(ctx, 1)
	if err != nil {
		return err
	}
	d.story.Say("  the machine is up and has acknowledged %d records to its client", len(c.Acked))
	return d.show(ctx)
}

// join resynchronises node2 and tells how the machine fared meanwhile.
func (d *kvmJourney) join(ctx context.Context) error {
	before, err := d.console()
	if err != nil {
		return err
	}
	if _, err := d.two.Safekit(ctx, "start", "-m", vmName); err != nil {
		return err
	}
	silence, err := d.progress(ctx)
	if err != nil {
		return err
	}
	after, err := d.console()
	if err != nil {
		return err
	}
	during := len(after.Acked) - len(before.Acked)
	if during == 0 {
		return fmt.Errorf("the machine acknowledged nothing during the resynchronisation")
	}
	if err := d.one.WaitState(ctx, vmName, "PRIM"); err != nil {
		return err
	}
	d.story.Say("  meanwhile the machine acknowledged %d records", during)
	d.story.Note("  records acknowledged during the resynchronisation", "%d, never %.1f s without one", during, silence.Seconds())
	return d.show(ctx)
}

func (d *kvmJourney) failover(ctx context.Context) error {
	if _, err := d.works(ctx, 1); err != nil {
		return err
	}
	cut := time.Now()
	if err := d.one.PowerCut(ctx); err != nil {
		return err
	}
	told, err := d.console()
	if err != nil {
		return err
	}
	if err := d.two.WaitState(ctx, vmName, "ALONE"); err != nil {
		return err
	}
	d.story.Note("  power cut to the machine started on node2", "%.1f s", time.Since(cut).Seconds())
	c, err := d.works(ctx, 2)
	if err != nil {
		return err
	}
	d.story.Note("  power cut to the next record, with its boot", "%.1f s", time.Since(cut).Seconds())
	if err := kept(told, c); err != nil {
		return err
	}
	d.story.Say("  record %d was the last acknowledged before the cut; the machine found %d on node2", told.last(), c.Recovered[1])
	d.story.Note("  acknowledged records lost by the power cut", "0 of %d", len(told.Acked))
	return d.show(ctx)
}

func (d *kvmJourney) comeBack(ctx context.Context) error {
	if err := d.one.PowerOn(ctx); err != nil {
		return err
	}
	if err := d.one.StartLibvirt(ctx); err != nil {
		return err
	}
	if err := d.one.StartDaemon(ctx); err != nil {
		return err
	}
	if _, err := d.one.Safekit(ctx, "start", "-m", vmName); err != nil {
		return err
	}
	if err := d.one.WaitState(ctx, vmName, "SECOND"); err != nil {
		return err
	}
	if err := d.two.WaitState(ctx, vmName, "PRIM"); err != nil {
		return err
	}
	return d.show(ctx)
}

func (d *kvmJourney) swap(ctx context.Context) error {
	begin := time.Now()
	if _, err := d.one.Safekit(ctx, "swap", "-m", vmName); err != nil {
		return err
	}
	if err := d.one.WaitState(ctx, vmName, "PRIM"); err != nil {
		return err
	}
	c, err := d.works(ctx, 3)
	if err != nil {
		return err
	}
	d.story.Note("  swap to the next records, with shutdown and boot", "%.1f s", time.Since(begin).Seconds())
	if err := d.two.WaitState(ctx, vmName, "SECOND"); err != nil {
		return err
	}
	if c.Closed != 1 {
		return fmt.Errorf("the machine was not shut down in good order, but ended by force")
	}
	before := 0
	for _, n := range c.Acked {
		if n <= c.Recovered[2] {
			before = n
		}
	}
	if before != c.Recovered[2] {
		return fmt.Errorf("the machine found %d records on node1, the last acknowledged before was %d", c.Recovered[2], before)
	}
	d.story.Say("  it was shut down after record %d and found the same on node1", c.Recovered[2])
	return d.show(ctx)
}

func (d *kvmJourney) stop(ctx context.Context) error {
	for _, n := range []*Node{d.two, d.one} {
		if _, err := n.Safekit(ctx, "stop", "-m", vmName); err != nil {
			return err
		}
		if err := n.WaitState(ctx, vmName, "STOP"); err != nil {
			return err
		}
	}
	c, err := d.console()
	if err != nil {
		return err
	}
	if c.Closed != 2 {
		return fmt.Errorf("the machine was not shut down in good order, but ended by force")
	}
	d.story.Say("  %d records were acknowledged over three boots on two nodes, none of them twice", len(c.Acked))
	return d.show(ctx)
}

func (d *kvmJourney) again(ctx context.Context) error {
	for _, n := range []*Node{d.one, d.two} {
		if _, err := n.Safekit(ctx, "start", "-m", vmName); err != nil {
			return err
		}
	}
	if err := d.one.WaitState(ctx, vmName, "PRIM"); err != nil {
		return err
	}
	if err := d.two.WaitState(ctx, vmName, "SECOND"); err != nil {
		return err
	}
	return d.show(ctx)
}
