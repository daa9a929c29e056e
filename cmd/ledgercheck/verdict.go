package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// runbook tells how a retained table is adopted.
const runbook = "docs/runbooks/adopt-a-table.md"

// verdict is what the findings mean for the deployment.
type verdict int

const (
	goOn    verdict = iota + 1 // there is no other ledger that this stack should have had
	mention                    // there is, but the stack charges with one of its own already
	stop                       // there is, and the stack would go on with an empty one
)

// judge decides. A ledger that is part of a stack, as that of a test environment
// is, was not left behind by another; and an empty one knows nothing that could
// be forgotten. The same goes for subscriptions; the graver of the two counts.
func (f findings) judge() verdict {
	return max(judge(f.own, f.others), judge(f.ownSubscriptions, f.otherSubscriptions))
}

func judge(own *ledger, others []ledger) verdict {
	switch {
	case len(leftBehind(others)) == 0:
		return goOn
	case own == nil || own.empty:
		return stop
	default:
		return mention
	}
}

// leftBehind lists the tables with content that belong to no stack.
func leftBehind(others []ledger) (left []ledger) {
	for _, l := range others {
		if l.owner == "" && !l.empty {
			left = append(left, l)
		}
	}
	return left
}

// write prints the verdict and what it stands on: a line where nothing is to be
// done, all that an operator needs where something is.
func (f findings) write(out io.Writer) error {
	var text bytes.Buffer
	left := leftBehind(f.others)
	v := judge(f.own, f.others)
	switch v {
	case goOn:
		fmt.Fprintf(&text, "Stack %s in %s %s; no retained ledger beside it.\n", f.stack, f.region, f.ownInWords())
	case mention:
		fmt.Fprintf(&text, "Stack %s in %s %s. Beside it there is a ledger that belongs to no stack:\n\n", f.stack, f.region, f.ownInWords())
		table(&text, left)
		fmt.Fprintf(&text, `
The stack does not know the order numbers in there: make sure that nobody charges
them again. %s says more.
`, runbook)
	case stop:
		fmt.Fprintf(&text, "STOP: stack %s in %s %s,\nand there is a ledger with content that belongs to no stack, left behind by one that is gone:\n\n",
			f.stack, f.region, f.ownInWords())
		table(&text, left)
		fmt.Fprintf(&text, `
With an empty ledger, order numbers that were charged before would be charged again.

Let the stack adopt the table that holds this merchant's charges: %s.
If none of them does, as after a trial, the same page says how to make this check
forget a table. `+"`make deploy FORCE=1`"+` deploys all the same.
`, runbook)
	}
	if len(f.others) > len(left) && v != goOn {
		fmt.Fprintln(&text)
	}
	for _, l := range f.others {
		switch {
		case l.owner != "":
			fmt.Fprintf(&text, "Also there: %s, the ledger of stack %s.\n", l.name, l.owner)
		case l.empty:
			fmt.Fprintf(&text, "Also there: %s, which belongs to no stack and is empty.\n", l.name)
		}
	}
	f.writeSubscriptions(&text)
	_, err := out.Write(text.Bytes())
	return err
}

// writeSubscriptions prints what is to be said of tables of subscriptions: nothing
// where nothing is to be done.
func (f findings) writeSubscriptions(text *bytes.Buffer) {
	left := leftBehind(f.otherSubscriptions)
	switch judge(f.ownSubscriptions, f.otherSubscriptions) {
	case goOn:
	case mention:
		fmt.Fprintf(text, "\nBeside the subscriptions of stack %s there are others that belong to no stack, and are not charged:\n\n", f.stack)
		table(text, left)
	case stop:
		has := "has no subscriptions yet"
		if f.ownSubscriptions != nil {
			has = "has the table " + f.ownSubscriptions.name + ", which holds no subscription"
		}
		fmt.Fprintf(text, "\nSTOP: stack %s in %s %s,\nand there are subscriptions that belong to no stack, left behind by one that is gone:\n\n",
			f.stack, f.region, has)
		table(text, left)
		fmt.Fprintf(text, `
Nobody who is in there would be charged any more. Let the stack adopt the table:
%s. `+"`make deploy FORCE=1`"+` deploys all the same.
`, runbook)
	}
}

func (f findings) ownInWords() string {
	switch {
	case f.own == nil:
		return "has no ledger yet, the deployment makes an empty one"
	case f.own.empty:
		return "has the ledger " + f.own.name + ", which holds no charge"
	default:
		return "charges with the ledger " + f.own.name
	}
}

func table(out io.Writer, ledgers []ledger) {
	columns := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(columns, "  table\tmade by stack\tcreated\titems, about")
	for _, l := range ledgers {
		madeBy := l.madeBy
		if madeBy == "" {
			madeBy = "(unknown)"
		}
		items := strconv.FormatInt(l.items, 10)
		if l.items == 0 { // it is not empty: DynamoDB has not counted yet
			items = "(not counted yet)"
		}
		fmt.Fprintf(columns, "  %s\t%s\t%s\t%s\n", l.name, madeBy, l.created.Format("2006-01-02 15:04 UTC"), items)
	}
	_ = columns.Flush() // into a buffer
}
