//go:build unix

package aws_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/shared/charge"
)

// brief is a time-out that leaves a charge some time to begin in, and tests not too
// much to wait for.
const brief = charge.MinCall + charge.WriteTime + 4*time.Second

// moment is where a charge stands when its process is killed: a call has come to one
// end of its wire, or a random time has passed.
type moment string

const (
	beforeClaim   moment = "before the claim"
	afterClaim    moment = "claimed, and not told so"
	beforeCall    moment = "call sent, and not read"
	afterCall     moment = "call read, and not answered"
	beforeOutcome moment = "call answered, and its outcome not written"
	afterOutcome  moment = "outcome written, and not told so"
	atRandom      moment = "at a random time"
	never         moment = "too late, it was answered already"
)

func moments() []moment {
	return []moment{beforeClaim, afterClaim, beforeCall, afterCall, beforeOutcome, afterOutcome, atRandom}
}

// killing kills processes in mid-charge. It watches a house's wires, and where a
// charge comes to the moment that was chosen for it, its call is held until the
// process is dead.
type killing struct {
	mu     sync.Mutex
	traps  map[string]trap
	writes map[string]int // by the process that is to be killed; the first is the claim
	last   map[string]moment
	killed map[moment]int
	before map[moment]int // what those that were killed at random had come to
}

type trap struct {
	at     moment
	sprung chan struct{}
}

func newKilling(h *house) *killing {
	k := &killing{
		traps: map[string]trap{}, writes: map[string]int{}, last: map[string]moment{},
		killed: map[moment]int{}, before: map[moment]int{},
	}
	h.ledger.on(func(p passing) bool {
		if p.operation != "UpdateItem" {
			return true
		}
		k.mu.Lock()
		if !p.answered {
			k.writes[p.key]++
		}
		claim := k.writes[p.key] == 1
		k.mu.Unlock()
		switch {
		case claim && !p.answered:
			return k.meet(p, beforeClaim)
		case claim:
			return k.meet(p, afterClaim)
		case !p.answered:
			return k.meet(p, beforeOutcome)
		default:
			return k.meet(p, afterOutcome)
		}
	})
	h.provider.on(func(p passing) bool {
		switch {
		case p.operation != "recurring":
			return true
		case !p.answered:
			return k.meet(p, beforeCall)
		default:
			return k.meet(p, afterCall)
		}
	})
	return k
}

// meet holds a call that has come to its trap; it will not pass.
func (k *killing) meet(p passing, at moment) bool {
	k.mu.Lock()
	k.last[p.key] = at
	set := k.traps[p.key]
	sprung := set.at == at
	if sprung {
		delete(k.traps, p.key)
	}
	k.mu.Unlock()
	if sprung {
		close(set.sprung)
		<-p.gone
	}
	return !sprung
}

// kill asks a process of its own for a charge and kills it at a moment; at random,
// within a time.
func (k *killing) kill(t *testing.T, h *house, v victim, at moment, within time.Duration) {
	t.Helper()
	f := h.start(t)
	// A repeat leaves it with all that a charge needs: what follows is the charge alone.
	require.Equal(t, 200, f.charge(t, order(t, "warm")).Status)

	sprung := make(chan struct{})
	k.mu.Lock()
	k.traps[v.number], k.writes[v.number], k.last[v.number] = trap{at, sprung}, 0, "nothing"
	k.mu.Unlock()
	var (
		answered = make(chan struct{})
		got      shown
		gone     bool
		err      error
		timeUp   <-chan time.Time
	)
	if at == atRandom {
		timeUp = time.After(rand.N(within))
	}
	go func() {
		defer close(answered)
		got, gone, err = f.over(t.Context(), v.payload, brief)
	}()
	select {
	case <-sprung:
	case <-timeUp:
	case <-answered:
	}
	f.Kill()
	<-answered
	require.NoError(t, err)

	k.mu.Lock()
	defer k.mu.Unlock()
	if !gone {
		require.Equal(t, atRandom, at, "it was never %s: %+v", at, got)
		v.check(t, h, got, false)
		k.killed[never]++
		return
	}
	k.killed[at]++
	if at == atRandom {
		k.before[k.last[v.number]]++
	}
}

// kills is how many processes were killed while they were at it.
func (k *killing) kills() (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for at, count := range k.killed {
		if at != never {
			n += count
		}
	}
	return n
}

func table[K ~string](counts map[K]int) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&text, "\n    %4d  %s", counts[name], name)
	}
	return text.String()
}

// outcomes are what the provider makes of a charge, and a request that it makes it of.
func outcomes() map[charge.State]func(t *testing.T, number string) []byte {
	with := func(old, replacement string) func(*testing.T, string) []byte {
		return func(t *testing.T, number string) []byte {
			t.Helper()
			payload := string(order(t, number))
			require.Contains(t, payload, old)
			return []byte(strings.Replace(payload, old, replacement, 1))
		}
	}
	const token = `\"9a2f-0242c0a87002`
	return map[charge.State]func(*testing.T, string) []byte{
		charge.Settled:  order,
		charge.Declined: with(token, token+"-declined-stolen"),
		charge.Pending:  with(token, token+"-pending"),
		charge.Rejected: with(token, token+"-unsaved"),
	}
}

// victim is a charge whose process is killed.
type victim struct {
	number   string
	at       moment
	provider charge.State // what the provider makes of it
	payload  []byte
}

// check holds an answer against what the provider knows. In the end, sending is none.
func (v victim) check(t *testing.T, h *house, got shown, end bool) {
	t.Helper()
	allowed := []string{string(charge.Unknown)}
	transactions := slices.DeleteFunc(h.DineroPay.Transactions(), func(x dineropay.Transaction) bool { return x.Order.Number != v.number })
	switch {
	case v.provider == charge.Rejected:
		allowed = append(allowed, string(charge.Rejected)) // if its word came through
		require.Empty(t, transactions)
	case len(transactions) > 0:
		require.Len(t, transactions, 1, "%s was charged twice", v.number)
		require.Equal(t, string(v.provider), transactions[0].Status)
		if end {
			allowed = nil
		}
		allowed = append(allowed, transactions[0].Status)
	}
	if !end {
		allowed = append(allowed, string(charge.Sending))
	}
	require.Contains(t, allowed, got.State, "%s was killed %s: %+v", v.number, v.at, got)

	// Another request goes out only after the provider's word that it refused the one
	// before.
	may := 1
	for i, entry := range got.History {
		if entry.State == string(charge.Rejected) && i+1 < len(got.History) {
			may++
		}
	}
	require.LessOrEqual(t, h.provider.asked("recurring "+v.number), may, "%s was sent too often: %+v", v.number, got)
}

// Issue "at most once": a process that is killed at any moment of a charge leaves
// something that ends in the provider's truth, with one charge.
func TestProcessesThatAreKilledInMidCharge(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	k := newKilling(h)

	// How long a charge and its repeat take here and now, so that random times are
	// times within them. Side by side they take longer than alone.
	whole, repeat := time.Hour, time.Hour
	for i := range 3 {
		f := h.start(t)
		require.Equal(t, 200, f.charge(t, order(t, "warm")).Status)
		for _, takes := range []*time.Duration{&whole, &repeat} {
			began := time.Now()
			require.Equal(t, 200, f.charge(t, order(t, fmt.Sprintf("whole-%d", i))).Status)
			*takes = min(*takes, 2*time.Since(began))
		}
		f.Kill()
	}

	var victims []victim
	for _, at := range slices.Concat(moments(), moments(), []moment{atRandom, atRandom, atRandom}) {
		for state, payload := range outcomes() {
			number := fmt.Sprintf("victim-%02d-%s", len(victims), state)
			victims = append(victims, victim{number, at, state, payload(t, number)})
		}
	}
	rand.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	t.Run("killed", func(t *testing.T) {
		for _, v := range victims {
			t.Run(v.number, func(t *testing.T) {
				t.Parallel()
				k.kill(t, h, v, v.at, whole)
				// And so is the process that is asked next.
				within := repeat
				if v.at == beforeClaim || v.at == atRandom {
					within = whole
				}
				k.kill(t, h, v, atRandom, within)
			})
		}
	})
	if t.Failed() {
		return
	}
	// Those at random times come on top.
	require.GreaterOrEqual(t, k.kills(), 40)

	// Each is asked for once more, and whatever was never claimed is charged now.
	f := h.start(t)
	for _, v := range victims {
		v.check(t, h, f.charge(t, v.payload), false)
	}
	// Half of them are looked at: GET asks the provider.
	const longest = brief + charge.Grace + 30*time.Second
	looked, scheduled := victims[:len(victims)/2], victims[len(victims)/2:]
	for _, v := range looked {
		eventually(t, v.number+" is not sending any more", longest, func() bool {
			got := f.charge(t, look(t, v.number))
			require.Equal(t, 200, got.Status, "%+v", got)
			v.check(t, h, got, false)
			return got.State != string(charge.Sending)
		})
	}
	// The others are left to the schedule, and then shown by a repeated POST, which asks
	// nobody. To that, a rejected one would be a new attempt.
	for _, v := range scheduled {
		eventually(t, v.number+" is written down", longest, func() bool {
			result, err := f.Invoke(t.Context(), event(t, "recurring-charge-schedule.json"), h.timeout)
			require.NoError(t, err)
			require.Equal(t, "null", string(result.Payload), "%s", f.Log())
			got := f.charge(t, v.payload)
			v.check(t, h, got, false)
			return got.learntBy() != ""
		})
	}

	ends := map[string]int{}
	for _, v := range victims {
		asked := h.provider.asked("recurring " + v.number)
		got := f.charge(t, v.payload)
		v.check(t, h, got, true)
		if got.State != string(charge.Rejected) {
			require.Equal(t, asked, h.provider.asked("recurring "+v.number), "a repeat was sent: %+v", got)
		}
		ends[fmt.Sprintf("%s by %s, money taken %d times", got.State, cmp.Or(got.learntBy(), "time"), h.DineroPay.Counts(v.number).Charged)]++
	}
	t.Logf("%d kills of %d charges (within %s, of repeats %s):%s\nthe random ones came after:%s\nends:%s",
		k.kills(), len(victims), whole, repeat, table(k.killed), table(k.before), table(ends))
}

// Issue "at most once", connections: a charge goes over a connection that cannot have
// died while the function was frozen.
func TestAThawedProcessChargesOverANewConnection(t *testing.T) {
	t.Parallel()
	for name, die := range map[string]func(*wire){
		"closed": func(w *wire) { w.server.CloseClientConnections() },
		// No word of its end came through: it takes a request and gives no answer.
		"dead": func(w *wire) {
			old := w.connections()
			w.on(func(p passing) bool { return !slices.Contains(old, p.from) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			f := h.start(t)
			for i := range 3 {
				number := fmt.Sprintf("thawed-%d", i)
				got := f.charge(t, order(t, number))
				require.Equal(t, "settled", got.State, "%+v", got)
				require.Equal(t, 200, got.Status)
				require.Equal(t, dineropay.Counts{Charges: 1, Charged: 1}, h.DineroPay.Counts(number))
				require.Equal(t, 1, h.provider.asked("recurring "+number))

				require.NoError(t, f.Stop())
				for _, w := range []*wire{h.provider, h.ledger, h.secrets} {
					die(w)
				}
				require.NoError(t, f.Continue())
			}
		})
	}
}

// Contract, "Charges": nothing is sent after the deadline, nor so late that its end
// could not be written down, even if the process was frozen meanwhile.
func TestAProcessThatIsFrozenAfterItsClaimSendsNothing(t *testing.T) {
	t.Parallel()
	const within = charge.MinCall + charge.WriteTime + 2*time.Second
	for name, c := range map[string]struct {
		thawed time.Duration // after the claim
		shows  []string
		ends   []string // of the charge that is asked for again
	}{
		"too late to begin": {2500 * time.Millisecond, []string{"unsent"}, []string{"settled"}},
		// Then it is luck whether it can still be written down that nothing was sent.
		"after the deadline": {within, []string{"", "unsent", "unknown"}, []string{"settled", "unknown"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			f := h.start(t)
			require.Equal(t, 404, f.charge(t, look(t, "nothing")).Status)
			thawed := make(chan error, 1)
			h.ledger.on(func(p passing) bool {
				if p.operation == "UpdateItem" && p.answered && h.ledger.asked("UpdateItem") == 1 {
					err := f.Stop()
					time.AfterFunc(c.thawed, func() { thawed <- errors.Join(err, f.Continue()) })
				}
				return true
			})
			const number = "late-1"
			got, gone, err := f.over(t.Context(), order(t, number), within)
			require.NoError(t, err)
			require.False(t, gone)
			require.NoError(t, <-thawed)
			require.Zero(t, h.provider.all(), "something was sent")
			require.Contains(t, c.shows, got.State, "%+v\n%s", got, f.Log())

			eventually(t, "it has an end", within+charge.Grace+30*time.Second, func() bool {
				got = f.charge(t, order(t, number))
				return got.State != "sending"
			})
			require.Contains(t, c.ends, got.State, "%+v", got)
			want := dineropay.Counts{}
			if got.State == "settled" { // by the second attempt
				want = dineropay.Counts{Charges: 1, Charged: 1}
			}
			require.Equal(t, want, h.DineroPay.Counts(number))
		})
	}
}

// Issue "at most once": 60 callers through 6 instances ask for one charge. One request
// goes out, and each answer is its outcome or that it is being sent.
func TestManyCallersThroughManyProcesses(t *testing.T) {
	t.Parallel()
	const processes, callers, rounds = 6, 60, 5
	h := newHouse(t)
	var fleet []function
	for range processes {
		fleet = append(fleet, h.start(t))
	}
	// ask sends all callers at once, as many to each instance, and counts the answers.
	ask := func(payloads func(caller int) []byte, told func()) map[string]int {
		answers := make([]string, callers)
		var group errgroup.Group
		for i := range callers {
			group.Go(func() error {
				got, gone, err := fleet[i%processes].over(t.Context(), payloads(i), h.timeout)
				if err == nil && gone {
					err = fmt.Errorf("process %d ended", i%processes)
				}
				answers[i] = fmt.Sprintf("%d %s", got.Status, got.State)
				told()
				return err
			})
		}
		require.NoError(t, group.Wait())
		counts := map[string]int{}
		for _, a := range answers {
			counts[a]++
		}
		return counts
	}

	// The provider answers when all the other instances have answered their callers.
	const others = callers - callers/processes
	var told atomic.Int64
	enough := make(chan struct{})
	answer := sync.OnceFunc(func() { close(enough) })
	// Should they wait for more than that, they wait no longer than the provider may.
	defer time.AfterFunc(charge.MaxCall/2, answer).Stop()
	h.provider.on(func(p passing) bool {
		if p.answered {
			<-enough
		}
		return true
	})
	payload := order(t, "crowd-1")
	got := ask(func(int) []byte { return payload }, func() {
		if told.Add(1) == others {
			answer()
		}
	})
	require.Equal(t, map[string]int{"202 sending": others, "200 settled": callers - others}, got)
	require.Equal(t, dineropay.Counts{Charges: 1, Charged: 1}, h.DineroPay.Counts("crowd-1"))
	require.Equal(t, 1, h.provider.all())
	t.Logf("one charge, held: %v", got)

	// Again and again, for new numbers and those before.
	h.provider.on(nil)
	for round := range rounds {
		got := ask(func(caller int) []byte {
			return order(t, fmt.Sprintf("crowd-%d", 1+round+caller%2))
		}, func() {})
		for answer := range got {
			require.Contains(t, []string{"200 settled", "202 sending"}, answer)
		}
		t.Logf("round %d: %v", round, got)
	}
	for i := range rounds + 1 {
		number := fmt.Sprintf("crowd-%d", 1+i)
		require.Equal(t, dineropay.Counts{Charges: 1, Charged: 1}, h.DineroPay.Counts(number), number)
		require.Equal(t, 1, h.provider.asked("recurring "+number))
	}
}

// Issue "at most once", calls per charge: a warm charge is one call to the provider
// and two writes, with no read but the switch every 10 seconds; a repeat is one
// request.
func TestCallsAreCountedAtTheWire(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.start(t)
	began := time.Now()
	// switches is how often the switch was read, which is the only thing that is read.
	switches := func() int {
		reads := h.ledger.asked("GetItem switch")
		require.LessOrEqual(t, reads, 1+int(time.Since(began)/(10*time.Second)), "the switch was read too often")
		require.Equal(t, reads, h.ledger.asked("GetItem"))
		return reads
	}
	require.Equal(t, 200, f.charge(t, order(t, "warm-0")).Status)
	require.Equal(t, 1, switches())
	secrets := h.secrets.all()

	const charges = 5
	for i := range charges {
		number := fmt.Sprintf("warm-%d", 1+i)
		before := h.ledger.all() - switches()
		require.Equal(t, 200, f.charge(t, order(t, number)).Status)
		require.Equal(t, 2, h.ledger.all()-switches()-before, "requests to DynamoDB")
		require.Equal(t, 2, h.ledger.asked("UpdateItem "+number))
		require.Equal(t, 1, h.provider.asked("recurring "+number))

		before = h.ledger.all() - switches()
		require.Equal(t, 200, f.charge(t, order(t, number)).Status)
		require.Equal(t, 1, h.ledger.all()-switches()-before, "requests to DynamoDB for a repeat")
		require.Equal(t, 3, h.ledger.asked("UpdateItem "+number))
		require.Equal(t, 1, h.provider.asked("recurring "+number))
	}
	repeats := 0
	eventually(t, "the switch is read again", time.Minute, func() bool {
		before := h.ledger.all() - switches()
		require.Equal(t, 200, f.charge(t, order(t, "warm-0")).Status)
		require.Equal(t, 1, h.ledger.all()-switches()-before, "requests to DynamoDB for a repeat")
		repeats++
		return switches() > 1
	})
	require.Equal(t, 1+charges, h.provider.all())
	require.Equal(t, secrets, h.secrets.all(), "a warm function knows its secret")
	t.Logf("%d charges and %d repeats in %s: %d requests to DynamoDB, %d of them for the switch; %d to Secrets Manager; %d to the provider",
		1+charges, charges+repeats, time.Since(began).Round(time.Millisecond), h.ledger.all(), switches(), h.secrets.all(), h.provider.all())
}

// Contract, "Charges": no charge begins with too little time left to write down its
// end.
func TestAnInvocationWithTooLittleTimeSendsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.start(t)
	require.Equal(t, 200, f.charge(t, order(t, "before-1")).Status) // it is warm
	sent := h.provider.all()
	for _, left := range []time.Duration{
		time.Millisecond, charge.AnswerTime, charge.WriteTime, charge.MinCall + charge.WriteTime,
	} {
		number := fmt.Sprintf("short-%d", left.Milliseconds())
		got, gone, err := f.over(t.Context(), order(t, number), left)
		require.NoError(t, err)
		require.False(t, gone)
		require.Equal(t, 503, got.Status, "with %s: %+v", left, got)
		require.Equal(t, sent, h.provider.all(), "something was sent with %s left", left)
		require.Equal(t, 404, f.charge(t, look(t, number)).Status, "it was recorded")
	}
}

// Issue "at most once", deadlines: when the store fails after the provider answered,
// writing is tried until the reserved time ends; then the log has the outcome, and
// the answer is 202 unknown.
func TestALedgerThatFailsBetweenClaimAndOutcome(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.start(t)
	const number = "unwritten-1"
	h.ledger.on(func(passing) bool { return h.provider.asked("recurring") == 0 })
	began := time.Now()
	got, gone, err := f.over(t.Context(), order(t, number), brief)
	require.NoError(t, err)
	require.False(t, gone)
	took := time.Since(began)
	require.Greater(t, took, brief-charge.WriteTime, "there was time left to write it down")
	require.Less(t, took, brief, "Lambda would have ended it")
	require.Equal(t, 202, got.Status, "%+v", got)
	require.Equal(t, "unknown", got.State)

	transactions := h.DineroPay.Transactions()
	require.Len(t, transactions, 1)
	// The log comes over a pipe, and may be read a moment after the answer.
	eventually(t, "the alarm is in the log", 30*time.Second, func() bool { return strings.Contains(f.Log(), `"invocation ended"`) })
	var alarms []string
	for line := range strings.Lines(f.Log()) {
		var told struct {
			Alarm     string `json:"alarm"`
			Number    string `json:"order_number"`
			State     string `json:"state"`
			PaymentID string `json:"payment_id"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &told), line)
		if told.Alarm == "" {
			continue
		}
		alarms = append(alarms, told.Alarm)
		require.Equal(t, number, told.Number, line)
		require.Equal(t, "settled", told.State, line)
		require.Equal(t, transactions[0].PaymentID, told.PaymentID, line)
	}
	require.Equal(t, []string{"outcome_not_written"}, alarms)

	h.ledger.on(nil)
	eventually(t, "the charge is repaired", brief+charge.Grace+30*time.Second, func() bool {
		got = f.charge(t, look(t, number))
		require.Equal(t, 200, got.Status)
		require.Contains(t, []string{"sending", "settled"}, got.State)
		return got.State == "settled"
	})
	require.Equal(t, "status", got.learntBy())
	require.Equal(t, 200, f.charge(t, order(t, number)).Status)
	require.Equal(t, 1, h.provider.asked("recurring"))
	require.Equal(t, 1, h.DineroPay.Counts(number).Charged)
}

// A ledger that comes back in time learns the outcome, also after the client of
// DynamoDB has given up.
func TestALedgerThatFailsForAMoment(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.start(t)
	const number, refused = "late-write-1", 7 // a client tries three times
	h.ledger.on(func(p passing) bool {
		return h.provider.asked("recurring") == 0 || h.ledger.asked("UpdateItem "+number) > 1+refused
	})
	got := f.charge(t, order(t, number))
	require.Equal(t, 200, got.Status, "%+v\n%s", got, f.Log())
	require.Equal(t, "settled", got.State)
	require.Equal(t, "answer", got.learntBy())
	require.Equal(t, 1, h.provider.all())
	require.NotContains(t, f.Log(), "outcome_not_written")
}
