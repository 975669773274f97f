package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
)

func (a *App) webservercfg() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webservercfg -passwd PASSWORD",
		Short: "Set the password that nodes prove to each other",
		Long: `Set the password of the private user of distributed commands. Nodes that are not
in one cluster yet prove it to each other, so it must be the same everywhere.
-rcmdpasswd sets the same one. -user and -rcmduser are accepted for their default
names.`,
		Example: `  safekit webservercfg -passwd 'a long password'`,
		Args:    noArgs,
	}
	f := cmd.Flags()
	password := f.String("passwd", "", "the `password`")
	private := f.String("rcmdpasswd", "", "the `password`, by its other name")
	name := f.String("user", "admin", "`name` of the console's user")
	privateName := f.String("rcmduser", "rcmdadmin", "`name` of the private user")
	unsecure := f.Bool("unsecure", false, "not offered: there is always a password")
	cmd.RunE = a.audited(func(cmd *cobra.Command, _ []string) error {
		switch {
		case *unsecure:
			return errors.New("an unprotected set-up is not offered: set a password with -passwd PASSWORD")
		case *name != "admin":
			return errors.New("this release has no console users: leave -user out")
		case *privateName != "rcmdadmin":
			return errors.New("the private user is rcmdadmin: leave -rcmduser out")
		case *private != "" && *password != "" && *private != *password:
			return errors.New("-passwd and -rcmdpasswd set the same password: give one of them")
		case *password == "":
			*password = *private
		}
		if *password == "" {
			return errors.New("which password? give it with -passwd PASSWORD")
		}
		return a.askDaemon(cmd.Context(), control.PathPassword, control.Password{Password: *password}, nil)
	})
	return cmd
}
