package year_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/money"
	"dinarfunctions/shared/subscription"
)

var (
	subscriptions = flag.Int("subscriptions", 0, "how many subscriptions; 0 for a number that is quick")
	seed          = flag.Uint64("seed", 0, "of the dice; 0 for another one each time")
)

// begin is new year's day.
var begin = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)

const (
	// rest is for how many days nothing goes wrong any more at the end, so that what is
	// open comes to an end.
	rest = 45
)

// pace is for how many days trouble lasts, and how often the schedule wakes.
type pace struct {
	days int
	step time.Duration
}

// year is one run.
type year struct {
	t       *testing.T
	dice    *rand.Rand
	now     time.Time
	tally   *tally
	bank    *bank
	trouble *trouble
	store   *watched
	queue   *queue
	ledger  *charge.Ledger
	biller  *subscription.Biller
	ids     []string
	charges charge.Store
	unheard map[charge.Cycle]bool // the provider changed its mind, and its callback was lost
	silent  map[string]bool       // the order numbers of those
}

// run simulates a year of some subscriptions over two stores.
func run(t *testing.T, p pace, many int, subscriptions subscription.Store, charges charge.Store) *year {
	t.Helper()
	from := *seed
	if from == 0 {
		from = rand.Uint64()
	}
	dice := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(from, n)) }
	y := &year{t: t, dice: dice(1), now: begin, tally: &tally{counts: map[string]int{}},
		charges: charges, unheard: map[charge.Cycle]bool{}, silent: map[string]bool{}}
	clock := func() time.Time { return y.now }
	y.bank = &bank{now: clock, tally: y.tally, dice: dice(2), context: dice(5).IntN(2) == 0, hint: y.early,
		orders: map[string]*order{}, coming: map[string]*order{}, sent: map[string]charge.State{},
		paid: map[charge.Cycle]int{}, flipped: map[charge.Cycle]bool{}, forbidden: map[string]string{}}
	y.trouble = &trouble{tally: y.tally, dice: dice(3)}
	y.store = &watched{Store: subscriptions, trouble: y.trouble, bank: y.bank,
		last: map[string]subscription.Subscription{}, why: map[charge.Cycle]string{}, told: map[string]subscription.State{}}
	y.queue = &queue{trouble: &trouble{tally: y.tally, dice: dice(4)}}
	log := slog.New(slog.DiscardHandler)
	y.ledger = charge.NewLedger(ledgerStore{charges, y.trouble}, y.bank, clock, log)
	y.biller = subscription.NewBiller(y.store, y.ledger, y.queue, clock, log)
	y.ledger.Follow(y.biller.Follow)

	t.Logf("%d subscriptions, cascading context for the status request: %t; repeat with -seed %d", many, y.bank.context, from)
	for i := range many {
		id := fmt.Sprintf("gold-%d", i)
		_, created, err := y.biller.Put(t.Context(), id, y.terms(i))
		require.NoError(t, err)
		require.True(t, created)
		y.ids = append(y.ids, id)
	}
	outages := map[int]int{60: 6, 150: 30, 240: 100} // on a day, for how many hours
	idle := 0
	hours := int(p.step / time.Hour)
	for hour := 0; hour < (p.days+rest)*24; hour += hours {
		y.now = begin.Add(time.Duration(hour) * time.Hour)
		if hour == p.days*24 {
			y.calmDown()
		}
		if hour%24 == 9 && outages[hour/24] > 0 {
			idle = outages[hour/24]
		}
		y.callBack()
		y.operate(hour < p.days*24)
		if idle > 0 {
			idle -= hours
			y.tally.add("an hour in which the schedule is down")
			continue
		}
		y.wake()
		if len(y.bank.faults) > 0 {
			break
		}
	}
	y.account(p)
	return y
}

// terms are those of the i-th subscription: any interval, any day, some with an end.
func (y *year) terms(i int) subscription.Terms {
	amount, err := money.Parse("10", "SAR", 2)
	require.NoError(y.t, err)
	clock, err := calendar.ParseClock(fmt.Sprintf("%02d:%02d", y.dice.IntN(24), y.dice.IntN(60)))
	require.NoError(y.t, err)
	every := []calendar.Every{{Count: 1, Unit: calendar.Month}, {Count: 1, Unit: calendar.Month}, {Count: 1, Unit: calendar.Month},
		{Count: 3, Unit: calendar.Month}, {Count: 2, Unit: calendar.Week}, {Count: 1, Unit: calendar.Week}, {Count: 10, Unit: calendar.Day}, {Count: 1, Unit: calendar.Year}}
	zones := []string{"Asia/Baghdad", "UTC", "Europe/Dublin", "America/St_Johns", "Australia/Lord_Howe"}
	start, err := calendar.ParseDate(begin.AddDate(0, 0, y.dice.IntN(400)-200).Format(time.DateOnly))
	require.NoError(y.t, err)
	terms := subscription.Terms{
		InitTransID: "dc66cdd8-d702-11ea-9a2f-0242c0a87002", Token: hidden.New(fmt.Sprintf("token-of-card-%d", i)),
		Amount: amount, Description: "gold",
		Calendar:       calendar.Calendar{Every: every[y.dice.IntN(len(every))], StartsOn: start, ChargeAt: clock, TimeZone: zones[y.dice.IntN(len(zones))]},
		RetryAfterDays: []int{1, 3, 5, 7},
	}
	if y.dice.IntN(5) == 0 {
		terms.Cycles = 1 + y.dice.IntN(10)
	}
	return terms
}

// wake does what the schedule and the queue do in an hour.
func (y *year) wake() {
	y.store.do("schedule")
	for range 1 + y.dice.IntN(2) { // twice at times
		if _, err := y.biller.QueueDue(y.t.Context()); err != nil {
			y.tally.add("a schedule ends with an error")
		}
	}
	y.store.do("look")
	var wg sync.WaitGroup
	work := make(chan delivery)
	for range 4 {
		wg.Go(func() {
			for d := range work {
				if !y.deliver(d) {
					y.queue.back(d)
				}
			}
		})
	}
	for _, d := range y.queue.take() {
		work <- d
	}
	close(work)
	wg.Wait()
	y.store.do("sweep")
	_, err := y.ledger.Sweep(y.t.Context())
	if err != nil {
		y.tally.add("a sweep ends with an error")
	}
}

// deliver gives a message to a function, which may be killed over it.
func (y *year) deliver(d delivery) (done bool) {
	defer func() {
		if v := recover(); v != nil {
			if _, ours := v.(killed); !ours {
				panic(v)
			}
			done = false
		}
	}()
	ctx := context.WithValue(y.t.Context(), mortal{}, true)
	return y.biller.Look(ctx, d.Message) == nil
}

// callBack is the provider's callbacks: most of them come, some twice, some about an
// older payment too.
func (y *year) callBack() {
	y.store.do("callback")
	for _, call := range y.bank.pass() {
		if y.dice.IntN(10) == 0 && !y.bank.calm {
			y.tally.add("a callback is lost")
			y.unheard[cycleOf(call.number)] = true
			y.silent[call.number] = true
			continue
		}
		delete(y.silent, call.number)
		if call.older != "" && y.dice.IntN(3) == 0 {
			y.tally.add("a callback comes about an older payment")
			y.hear(call.number, call.older)
		}
		y.tally.add("a callback comes")
		y.hear(call.number, call.payment)
		if y.dice.IntN(5) == 0 {
			y.tally.add("a callback comes again")
			y.hear(call.number, call.payment)
		}
	}
}

// hear takes a callback until the stores let it.
func (y *year) hear(number, payment string) {
	for {
		err := y.ledger.Hint(y.t.Context(), number, payment)
		if err == nil || errors.Is(err, charge.ErrNotFound) {
			return
		}
	}
}

// early is a callback that comes during the charge's call, and once only.
func (y *year) early(number, payment string) {
	y.tally.add("a callback comes during the call")
	if err := y.ledger.Hint(y.t.Context(), number, payment); err != nil {
		y.tally.add("a callback during the call is answered with 503")
	}
}

// again does something until the stores let it.
func (y *year) again(what string, do func() error) {
	y.store.do(what)
	for {
		err := do()
		var state *subscription.StateError
		if err == nil || errors.As(err, &state) {
			return
		}
		if !errors.Is(err, subscription.ErrStore) && !errors.Is(err, charge.ErrStore) {
			require.NoError(y.t, err)
		}
	}
}

// operate is what people do in an hour.
func (y *year) operate(busy bool) {
	ctx := y.t.Context()
	if busy {
		// Each subscription is seen to about four times a year.
		acts := len(y.ids) * 4
		for range acts/8760 + (y.dice.IntN(8760)+acts%8760)/8760 {
			id := y.ids[y.dice.IntN(len(y.ids))]
			switch y.dice.IntN(20) {
			case 0, 1, 2, 4, 5, 6, 7, 8:
				y.again("pause", func() error { _, err := y.biller.Pause(ctx, id); return err })
				if y.state(id) == subscription.Paused {
					y.bank.forbid(id, "paused")
					y.tally.add("an operator pauses")
				}
			case 3:
				y.again("cancel", func() error { return y.biller.Cancel(ctx, id) })
				y.bank.forbid(id, "cancelled or finished")
				y.tally.add("an operator cancels")
			case 9, 10, 11, 12:
				s, err := y.store.Get(ctx, id)
				require.NoError(y.t, err)
				terms := s.Terms
				switch y.dice.IntN(3) {
				case 0:
					terms.Cycles = max(0, s.Cycle-1+y.dice.IntN(4))
					y.tally.add("an operator changes how many cycles there are")
				case 1:
					terms.EndsOn = terms.Calendar.LocalDate(y.now.AddDate(0, 0, y.dice.IntN(90)-5))
					y.tally.add("an operator changes the last day")
				}
				if terms.Equal(s.Terms) || y.dice.IntN(2) == 0 {
					terms.Calendar = y.terms(0).Calendar
					y.tally.add("an operator changes the calendar")
				}
				y.again("put", func() error { _, _, err := y.biller.Put(ctx, id, terms); return err })
			}
		}
	}
	// Those who wait for a person are looked after within days.
	for id, s := range y.attention() {
		switch {
		case y.dice.IntN(48) != 0:
		case s.State == subscription.Unpaid && y.dice.IntN(2) == 0:
			terms := s.Terms
			terms.Token = hidden.New(fmt.Sprintf("token-of-another-card-%d", y.dice.IntN(1<<30)))
			y.again("put", func() error { _, _, err := y.biller.Put(ctx, id, terms); return err })
			y.tally.add("a customer gives another card")
		case s.Waiting:
			// The provider knows nothing of it, or does not say: a person finds out.
			number := subscription.Number(s.NextCharge())
			to := charge.Declined
			if y.bank.took(number) {
				to = charge.Settled
			}
			y.again("resolution", func() error {
				_, err := y.ledger.Resolve(ctx, number, to, "asked the bank")
				var state *charge.StateError
				if errors.As(err, &state) || errors.Is(err, charge.ErrNotFound) {
					return nil
				}
				return err
			})
			y.tally.add("an operator resolves an unknown charge")
		default:
			missed := []subscription.Missed{subscription.Skip, subscription.ChargeLatest}[y.dice.IntN(2)]
			y.bank.forbid(id, "")
			y.again("resume", func() error { _, err := y.biller.Resume(ctx, id, missed); return err })
			y.tally.add("an operator resumes with " + string(missed))
		}
	}
}

func (y *year) state(id string) subscription.State {
	y.store.mu.Lock()
	defer y.store.mu.Unlock()
	return y.store.last[id].State
}

// attention lists the subscriptions that wait for a person.
func (y *year) attention() map[string]subscription.Subscription {
	y.store.mu.Lock()
	defer y.store.mu.Unlock()
	found := map[string]subscription.Subscription{}
	for id, s := range y.store.last {
		if s.State == subscription.Unpaid || s.State == subscription.Held || s.State == subscription.Paused {
			found[id] = s
		}
	}
	return found
}

func (y *year) calmDown() {
	y.bank.mu.Lock()
	y.bank.calm = true
	y.bank.mu.Unlock()
	y.trouble.calm, y.queue.calm = true, true
}

// account checks the whole and prints it.
func (y *year) account(p pace) {
	t := y.t
	reasons := map[string]int{}
	cycles, paid := 0, 0
	for _, id := range y.ids {
		s, err := y.store.Get(t.Context(), id)
		require.NoError(t, err)
		if s.State.Chargeable() && !s.Waiting && y.now.Sub(s.DueAt) > 2*p.step {
			y.bank.violate("%s is stuck: %s was due at %s and nobody charged it (look at %s)", id, subscription.Number(s.NextCharge()), s.DueAt, s.LookAt)
		}
		if s.State.Chargeable() && s.LookAt.IsZero() {
			y.bank.violate("%s is stuck: it is %s and nobody will look at it", id, s.State)
		}
		for n := 1; n < s.Cycle; n++ {
			of := charge.Cycle{Subscription: id, Number: n}
			cycles++
			switch times, why := y.bank.paid[of], y.store.why[of]; {
			case times == 1:
				paid++
			case times > 1 && !y.bank.flipped[of]:
				y.bank.violate("cycle %d of %s was paid %d times, and the provider did not turn a decline of it round", n, id, times)
			case times > 1 && y.unheard[of]:
				reasons["paid twice by the provider's change of mind, which it did not tell"]++
			case times > 1 && !slices.Contains(s.PaidTwice, n):
				y.bank.violate("cycle %d of %s was paid %d times, and nobody noticed", n, id, times)
			case times > 1:
				reasons["paid twice by the provider's change of mind, and told"]++
			case why == "":
				y.bank.violate("cycle %d of %s was not paid, without a reason", n, id)
			default:
				reasons[why]++
			}
		}
		reasons["in the end: "+string(s.State)]++
	}
	orders := y.compare()
	var out strings.Builder
	fmt.Fprintf(&out, "%d subscriptions, %d cycles over: %d charged exactly once; of the others\n", len(y.ids), cycles, paid)
	table(&out, reasons)
	fmt.Fprintln(&out, "ledger and provider in the end")
	table(&out, orders)
	fmt.Fprintln(&out, "met on the way")
	table(&out, y.tally.counts)
	t.Log(out.String())
	require.Empty(t, y.bank.faults)
	require.NotZero(t, paid)
}

// compare holds the ledger against the provider's books: each order number was paid by
// one payment at most, and the ledger says what the newest payment is.
func (y *year) compare() map[string]int {
	// Zero is a figure too.
	found := map[string]int{"settled there, declined here": 0, "orders paid more than once": 0}
	for number, o := range y.bank.orders {
		found["orders"]++
		newest := *o.newest()
		if len(o.payments) > 1 {
			found["orders with several payments"]++
			if newest.took {
				found["orders that a later payment settled"]++
			}
		}
		if o.took() > 1 {
			found["orders paid more than once"]++
			y.bank.violate("%s was paid %d times", number, o.took())
		}
		c, err := y.charges.Get(y.t.Context(), number)
		require.NoError(y.t, err, number)
		same := c.State == states[newest.status] && (c.State != charge.Reversed || c.ProviderStatus == newest.status)
		switch {
		case same:
		case y.silent[number] && len(o.payments) == 1:
			// Contract, "Charges": a settled charge is asked about again after a callback
			// only, and a declined one for a day.
			found["of which the provider told nothing of its later word: "+newest.status+" there, "+string(c.State)+" here"]++
			continue
		case c.State == charge.Declined && newest.status == "settled":
			found["settled there, declined here"]++
		}
		if !same {
			y.bank.violate("%s is %s (%s) in the ledger, and %s at the provider: %+v", number, c.State, c.ProviderStatus, newest.status, c.History)
		}
	}
	return found
}

func table(out io.Writer, counts map[string]int) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(out, "  %7d  %s\n", counts[name], name)
	}
}

type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func (t *tally) add(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[what]++
}
