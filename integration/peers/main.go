package main

import (
	"flag"
	"fmt"
	"os"
	"text/tabwriter"
)

func main() {
	exact := flag.Bool("counts", false, "print only what is counted")
	compile := flag.Bool("compile", false, "print only what compiling takes")
	rounds := flag.Int("rounds", 9, "take the median of so many `rounds`; of compiling, of twice as many")
	child := flag.String("child", "", "measure this `variant` in this process: the program starts itself so")
	flag.Parse()
	run := func() error { return table(*exact, *rounds) }
	if *compile {
		run = func() error { return compiling(2 * *rounds) }
	}
	if *child != "" {
		run = func() error { return measureHere(*child) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// table prints the comparison.
func table(exact bool, rounds int) error {
	s, err := readShared()
	if err != nil {
		return err
	}
	mix, err := readMix()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	var notes []string
	fmt.Fprintln(w, "executed instructions:\tall\tchecked\tmix unheld\tmix all\tlongest\tplain held\t")
	for _, c := range compilers {
		prog, err := c.compile(s)
		if err != nil {
			fmt.Fprintf(w, "%s\t–\t–\t–\t–\t–\t–\t\n", c.name)
			notes = append(notes, fmt.Sprintf("%s: %v", c.name, err))
			continue
		}
		n, err := count(s, prog, mix)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Fprintf(w, "%s\t%s\t\n", c.name, n)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Println(n)
	}
	if exact {
		return nil
	}
	fmt.Println()
	if err := compiling(2 * rounds); err != nil {
		return err
	}
	fmt.Println()
	return times(rounds)
}
