package lab

import (
	"fmt"
	"os"
	"regexp"
)

// labHeart is what the demonstration puts in place of kvm.safe's one network
// with its 30 seconds: both networks, and a failover soon enough to watch.
const labHeart = `<heart pulse="500ms" timeout="3s">
      <heartbeat name="office"/>
      <heartbeat name="xlink" ident="flow"/>
    </heart>`

var heartElement = regexp.MustCompile(`(?s)<heart>.*?</heart>`)

// vmParameters fills in the configuration that comes with kvm.safe.
func vmParameters(file string) error {
	if err := setMacros(file, map[string]string{"VM_PATH": vmPath, "VM_NAME": vmName}); err != nil {
		return err
	}
	src, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("set parameters: %w", err)
	}
	if !heartElement.Match(src) {
		return fmt.Errorf("set parameters: no <heart> in %s", file)
	}
	return os.WriteFile(file, heartElement.ReplaceAllLiteral(src, []byte(labHeart)), 0o640)
}

// tutorialConfig is a file as the older tutorials show it: its own macros, no
// name of a network, numbers without units, no checker (userconfig-xml.md
// section 16).
const tutorialConfig = `<!-- replicated virtual machine -->
<!DOCTYPE safe>
<safe>
  <macro name="STORE" value="` + vmPath + `"/>
  <macro name="GUEST" value="` + vmName + `"/>
  <service mode="mirror" defaultprim="alone" maxloop="3" loop_interval="24" failover="on">
    <heart><heartbeat name=""></heartbeat></heart>
    <rfs mountover="off" async="second" locktimeout="200" nbrei="3">
      <replicated dir="%STORE%/%GUEST%" mode="read_only"></replicated>
    </rfs>
    <user>
      <var name="VM_PATH" value="%STORE%/%GUEST%"/>
      <var name="VM_NAME" value="%GUEST%"/>
    </user>
  </service>
</safe>
`

func vmTutorial(file string) error {
	return os.WriteFile(file, []byte(tutorialConfig), 0o640)
}
