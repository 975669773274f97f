// Package paths says where things live on a node (services.md section 1). It
// is a value, so that tests and the lab can have several nodes on one machine.
package paths

import (
	"os"
	"path/filepath"

	"github.com/safehold/safehold/runtime/ha"
)

// Tree is the pair of folders a node lives in.
type Tree struct {
	Safe string // the product, SAFE
	Var  string // what it keeps, SAFEVAR
}

// FromEnv takes SAFE and SAFEVAR from the environment, or the installed places.
func FromEnv() Tree {
	t := Tree{Safe: os.Getenv("SAFE"), Var: os.Getenv("SAFEVAR")}
	if t.Safe == "" {
		t.Safe = "/opt/safekit"
	}
	if t.Var == "" {
		t.Var = "/var/safekit"
	}
	return t
}

// Env gives the tree as environment assignments for child processes.
func (t Tree) Env() []string {
	return []string{"SAFE=" + t.Safe, "SAFEVAR=" + t.Var, "SAFEBIN=" + t.Bin()}
}

// Binary is the one executable.
func (t Tree) Binary() string { return filepath.Join(t.Safe, "safekit") }

// Bin holds the special commands, SAFEBIN.
func (t Tree) Bin() string { return filepath.Join(t.Safe, "private", "bin") }

// Packages is the drop-in folder for .safe files.
func (t Tree) Packages() string { return filepath.Join(t.Safe, "Application_Modules") }

// Modules holds the editable configurations.
func (t Tree) Modules() string { return filepath.Join(t.Safe, "modules") }

// Edited is the editable configuration of one module: conf, bin, web.
func (t Tree) Edited(m ha.ModuleName) string { return filepath.Join(t.Modules(), string(m)) }

// LastConfig keeps the newest applied configurations as packages.
func (t Tree) LastConfig() string { return filepath.Join(t.Modules(), "lastconfig") }

// Active is the configuration in force of one module.
func (t Tree) Active(m ha.ModuleName) string {
	return filepath.Join(t.Safe, "private", "modules", string(m))
}

// UserBin is SAFEUSERBIN: the scripts in force.
func (t Tree) UserBin(m ha.ModuleName) string { return filepath.Join(t.Active(m), "bin") }

// UserConf is SAFEUSERCONF: the configuration files in force.
func (t Tree) UserConf(m ha.ModuleName) string { return filepath.Join(t.Active(m), "conf") }

// UserVar is SAFEUSERVAR: the module's working files.
func (t Tree) UserVar(m ha.ModuleName) string {
	return filepath.Join(t.Var, "modules", string(m))
}

// Cluster holds cluster.xml and the keys.
func (t Tree) Cluster() string { return filepath.Join(t.Var, "cluster") }

// Run holds sockets and locks; it needs no surviving a reboot.
func (t Tree) Run() string { return filepath.Join(t.Var, "run") }

// DaemonSocket is where the daemon answers commands of this node.
func (t Tree) DaemonSocket() string { return filepath.Join(t.Run(), "safeadmin.sock") }

// SupervisorSocket is where the module's supervisor answers.
func (t Tree) SupervisorSocket(m ha.ModuleName) string {
	return filepath.Join(t.Run(), "module-"+string(m)+".sock")
}

// CommandLog is the log of commands that change the system.
func (t Tree) CommandLog() string { return filepath.Join(t.Var, "commands.log") }

// ModuleEnv is what every script and checker of the module finds in its
// environment besides the configured variables (scripts.md section 3).
func (t Tree) ModuleEnv(m ha.ModuleName) []string {
	return append(t.Env(),
		"SAFEMODULE="+string(m),
		"SAFEUSERBIN="+t.UserBin(m),
		"SAFEUSERCONF="+t.UserConf(m),
		"SAFEUSERVAR="+t.UserVar(m))
}
