package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"pam_persistent/internal/account"
	"pam_persistent/internal/document"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/phrase"
	"pam_persistent/internal/show"
)

func pruneCommand() *cobra.Command {
	var yes, dryRun, asJSON bool
	c := &cobra.Command{
		Use:   "prune",
		Short: "Remove ticket caches that newer ones supersede",
		Long: "Ask, and then remove the ticket caches in my persistent keyring that " +
			"newer\nones of the same principal supersede.",
		Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			switch {
			case yes && dryRun:
				return usagef("prune takes only one of --yes and --dry-run")
			case asJSON && !yes && !dryRun:
				return usagef("prune --json does not ask; use --dry-run to list " +
					"or --yes to remove")
			}
			return pruneCaches(yes, dryRun, asJSON)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "list only, remove nothing")
	jsonFlag(c, &asJSON)
	return c
}

func pruneCaches(yes, dryRun, asJSON bool) error {
	keyring, err := mine()
	switch {
	case err != nil && !asJSON:
		return err
	case err != nil:
		none := &facts.Prune{Account: account.ByUID(me()),
			Unread: []error{persistent.Explain(err)}}
		return report(true, document.PruneOf(none), nil, true)
	}
	caches := keyrings.Caches(me(), keyring)
	plan := finding.Prune(account.ByUID(me()), caches, time.Now())
	list := func(p *show.Printer) { p.Prune(plan, time.Now()) }
	if dryRun || len(plan.Caches) == 0 {
		return report(asJSON, document.PruneOf(plan), list, false)
	}
	if !yes {
		list(out())
		bytes := 0
		for _, c := range plan.Caches {
			bytes += c.Cache.Bytes
		}
		question := fmt.Sprintf("%s, %s. Remove? [y/N] ",
			phrase.Count(len(plan.Caches), "cache"), phrase.Count(bytes, "byte"))
		if err := ask(question, "use --yes to remove, --dry-run to list",
			"removed"); err != nil {
			return err
		}
	}
	again := keyrings.Caches(me(), keyring)
	keyrings.Remove(plan.Caches, caches, finding.SupersededCaches(again, time.Now()))
	bad := func(c facts.Superseded) bool { return c.Problem != nil }
	print := func(p *show.Printer) { p.Pruned(plan) }
	return report(asJSON, document.PruneOf(plan), print, slices.ContainsFunc(plan.Caches, bad))
}
