package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// libvirtFiles make a node's own libvirt work without what a node lacks:
// dbus, polkit, control groups and a second daemon for consoles.
var libvirtFiles = map[string]string{
	"libvirt.conf":  "uri_default = \"qemu:///system\"\n",
	"libvirtd.conf": "auth_unix_ro = \"none\"\nauth_unix_rw = \"none\"\nunix_sock_rw_perms = \"0700\"\n",
	"qemu.conf": "user = \"root\"\ngroup = \"root\"\ndynamic_ownership = 0\nsecurity_driver = \"none\"\n" +
		"cgroup_controllers = []\nnamespaces = []\nstdio_handler = \"file\"\n",
}

// StartLibvirt starts the node's own libvirt and waits until it answers and
// knows its emulator. Its definitions lie on the node's disk.
func (n *Node) StartLibvirt(ctx context.Context) error {
	for name, text := range libvirtFiles {
		if err := os.WriteFile(n.Path(filepath.Join("/etc/libvirt", name)), []byte(text), 0o600); err != nil {
			return fmt.Errorf("start libvirt on %s: %w", n.Name, err)
		}
	}
	log, err := os.OpenFile(n.Path("/var/log/libvirt/libvirtd.out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start libvirt on %s: %w", n.Name, err)
	}
	defer log.Close()
	c := n.Command(context.WithoutCancel(ctx), "setsid", "--fork", "libvirtd")
	c.Stdout, c.Stderr = log, log
	if err := c.Run(); err != nil {
		return fmt.Errorf("start libvirt on %s (run make setup-kvm first?): %w", n.Name, err)
	}
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		out, err := n.Run(wait, "virsh", "domcapabilities", "--virttype", "qemu")
		if err == nil {
			return nil
		}
		select {
		case <-wait.Done():
			tail, _ := os.ReadFile(n.Path("/var/log/libvirt/libvirtd.out"))
			return fmt.Errorf("libvirt of %s does not answer: %s\n%s", n.Name, out, tail)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// domainXML describes the virtual machine whose files lie in dir. The machine
// is emulated, so that it runs anywhere; its console goes to the file console.
func domainXML(name, dir, console string) string {
	return fmt.Sprintf(`<domain type='qemu'>
  <name>%[1]s</name>
  <memory unit='MiB'>192</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>%[2]s/vmlinux</kernel>
    <initrd>%[2]s/initrd</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable nokaslr</cmdline>
  </os>
  <features><acpi/></features>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none'/>
      <source file='%[2]s/disk.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <serial type='file'>
      <source path='%[3]s' append='on'/>
      <target port='0'/>
    </serial>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
`, name, dir, console)
}
