package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cenkalti/backoff/v5"

	chargecallback "dinarfunctions/functions/charge-callback/handler"
	payoutstatus "dinarfunctions/functions/payout-status/handler"
	recurringcharge "dinarfunctions/functions/recurring-charge/handler"
	"dinarfunctions/sandbox/clock"
	"dinarfunctions/sandbox/gateway"
	simdinardragon "dinarfunctions/sandbox/provider/dinardragon"
	simdineropay "dinarfunctions/sandbox/provider/dineropay"
	simsecrets "dinarfunctions/sandbox/provider/secretsmanager"
	simsqs "dinarfunctions/sandbox/provider/sqs"
	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dinardragon"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/duequeue"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/secrets"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/trigger"
)

// What the simulated merchant has. None of it opens anything anywhere.
const (
	merchantKey      = "sandbox-merchant-key"
	merchantPassword = "sandbox-Password"
	privateKey       = "sandbox-private-key"

	dineroPaySecret   = "sandbox/dineropay"
	dinarDragonSecret = "sandbox/dinardragon"

	region = "eu-central-1"
	// overdueAfter is PAYOUT_OVERDUE_AFTER of the template.
	overdueAfter = 30 * time.Minute
)

// sandbox is everything that runs.
type sandbox struct {
	dineroPay   *simdineropay.Simulator
	dinarDragon *simdinardragon.Simulator
	store       *boltstore.File
	clock       *clock.Clock
	mover       *clock.Mover
	worker      worker
	log         *os.File
	servers     []*http.Server

	ending       context.Context // ends those who listen to events
	end          context.CancelFunc
	stopSchedule context.CancelFunc
	scheduled    sync.WaitGroup

	apiURL    string
	storePath string
	logPath   string
}

// start brings everything up: the simulators and Secrets Manager on free
// ports, then the functions by the constructors that their main.go uses.
func start(ctx context.Context, address, storePath, logPath string) (s *sandbox, err error) {
	s = &sandbox{storePath: storePath, logPath: logPath}
	s.ending, s.end = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	// The port first: it is what most often is in the way.
	api, err := listen(ctx, address)
	if err != nil {
		return s, err
	}
	s.apiURL = "http://" + api.Addr().String()
	if s.store, err = openStore(storePath); err != nil {
		return s, errors.Join(err, api.Close())
	}
	if s.log, err = os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600); err != nil { //nolint:gosec // the operator's own path
		return s, errors.Join(fmt.Errorf("open the functions' log: %w", err), api.Close())
	}
	if err := s.setClock(ctx); err != nil {
		return s, errors.Join(err, api.Close())
	}
	routes, err := s.wire(ctx)
	if err != nil {
		return s, errors.Join(err, api.Close())
	}
	s.serve(api, routes)
	return s, nil
}

// setClock makes the clock that everything reads. It goes on from where an earlier
// start over the same ledger has moved it, so that time does not run backwards there.
func (s *sandbox) setClock(ctx context.Context) error {
	ahead, err := s.store.ClockAhead(ctx)
	if err != nil {
		return err
	}
	s.clock = clock.New(ahead, s.store.SetClockAhead)
	return nil
}

// wire starts what the functions call and puts the functions together.
func (s *sandbox) wire(ctx context.Context) (http.Handler, error) {
	if err := s.simulate(); err != nil {
		return nil, err
	}
	vault := simsecrets.New()
	vault.Put(dineroPaySecret, fmt.Sprintf(`{"merchant_key": %q, "merchant_password": %q}`, merchantKey, merchantPassword))
	vault.Put(dinarDragonSecret, fmt.Sprintf(`{"private_key": %q}`, privateKey))
	queue := simsqs.New(simsqs.Options{Now: s.clock.Now})
	var urls [4]*url.URL
	for i, simulator := range []http.Handler{s.dineroPay, s.dinarDragon, vault, queue} {
		var err error
		if urls[i], err = s.serveAside(ctx, simulator); err != nil {
			return nil, err
		}
	}
	dineroPayURL, dinarDragonURL, vaultURL, queueURL := urls[0], urls[1], urls[2], urls[3]

	log := slog.New(withSandboxTime{trigger.NewLogger(s.log).Handler(), s.clock.Now})
	manager := awssecrets.NewFromConfig(awsConfig(vaultURL))
	dragon := dinardragon.New(dinarDragonURL,
		secrets.New(manager, dinarDragonSecret, dinardragon.ParseKey, secrets.Options{Log: log}), dinardragon.Options{Backoff: noPause})
	watcher := payout.NewWatcher(s.store.Payouts(), dragon, overdueAfter, s.clock.Now, log)
	dineroKeys := secrets.New(manager, dineroPaySecret, dineropay.ParseCredentials, secrets.Options{Log: log})
	dinero := dineropay.New(dineroPayURL, dineroKeys, dineropay.Options{Log: log, Backoff: noPause})
	store := &faultyStore{Store: s.store.Charges()}
	ledger := charge.NewLedger(store, dinero, s.clock.Now, log)
	due := duequeue.New(awssqs.NewFromConfig(awsConfig(queueURL)), queueURL.String()+"/123456789012/due")
	biller := subscription.NewBiller(s.store.Subscriptions(), ledger, due, s.clock.Now, log)
	ledger.Follow(biller.Follow)

	payouts := payoutstatus.New(dragon, watcher, log.With("function", "PayoutStatus"))
	charges := recurringcharge.New(ledger, biller, log.With("function", "RecurringCharge"))
	callback := chargecallback.New(ledger, dineropay.NewCallbackVerifier(dineroKeys, s.clock.Now), log.With("function", "ChargeCallback"))
	s.worker = worker{clock: s.clock, scheduled: []lambda.Handler{charges, payouts}, queue: queue, queued: charges}
	s.mover = &clock.Mover{
		Clock: s.clock,
		Next:  nextLook(queue, s.store.Charges(), s.store.Subscriptions(), s.store.Payouts()),
		Due:   s.due,
	}

	mux := http.NewServeMux()
	mux.Handle("/", gateway.Gateway{
		"payouts": payouts, "charges": charges, "charging": charges, "subscriptions": charges, "callbacks": callback,
	})
	own := s.serveOwn(store)
	mux.Handle("/sandbox", own)
	mux.Handle("/sandbox/", own)
	s.schedule()
	return mux, nil
}

// noPause is between the tries of a call: a simulator that fails gains nothing by
// being waited for, and a clock that is moved through an outage would take hours.
func noPause() backoff.BackOff { return &backoff.ZeroBackOff{} }

// simulate makes the two providers.
func (s *sandbox) simulate() (err error) {
	if s.dineroPay, err = simdineropay.New(simdineropay.Options{
		MerchantKey: merchantKey, MerchantPassword: merchantPassword, Now: s.clock.Now,
		CallbackURL: func() string { return s.apiURL + "/callbacks/dineropay" },
	}); err != nil {
		return err
	}
	s.dinarDragon, err = simdinardragon.New(simdinardragon.Options{PrivateKey: privateKey, Now: s.clock.Now})
	return err
}

// awsConfig is for a simulator of an AWS service.
func awsConfig(at *url.URL) aws.Config {
	return aws.Config{
		Region:       region,
		Credentials:  credentials.NewStaticCredentialsProvider("sandbox", "sandbox", ""),
		BaseEndpoint: aws.String(at.String()),
	}
}

// due names what is due now, by the end of its path in the HTTP API.
func (s *sandbox) due(ctx context.Context) (names []string, err error) {
	now := s.clock.Now()
	names, err = named(names, s.store.Charges().Due(ctx, now), func(d charge.Due) string { return "charges/" + d.Number })
	if err != nil {
		return names, err
	}
	names, err = named(names, s.store.Subscriptions().Due(ctx, now), func(d subscription.Due) string { return "subscriptions/" + d.ID })
	if err != nil {
		return names, err
	}
	return named(names, s.store.Payouts().Due(ctx, now), func(d payout.Due) string { return "payouts/" + d.ID })
}

// schedule works as the schedules of template.yaml do, once a minute of real time,
// until close.
func (s *sandbox) schedule() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stopSchedule = cancel
	s.scheduled.Go(func() {
		every(ctx, time.Minute, func(ctx context.Context) {
			_ = s.mover.Now(ctx, s.worker.work(new(done))) // the functions log what went wrong
		})
	})
}

// control shows a simulator's control API under the sandbox's own address, which
// stays the same from start to start.
func control(prefix string, simulator http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner := r.Clone(r.Context())
		inner.URL.Path = "/sandbox" + strings.TrimPrefix(r.URL.Path, prefix)
		simulator.ServeHTTP(w, inner)
	})
}

// serveAside serves a handler on a free loopback port.
func (s *sandbox) serveAside(ctx context.Context, handler http.Handler) (*url.URL, error) {
	listener, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.serve(listener, handler)
	return &url.URL{Scheme: "http", Host: listener.Addr().String()}, nil
}

func (s *sandbox) serve(listener net.Listener, handler http.Handler) {
	server := &http.Server{
		Addr:              listener.Addr().String(),
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		// Connections that a fault cuts are no news.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	s.servers = append(s.servers, server)
	go func() { _ = server.Serve(listener) }() // ends with close
}

// listen takes loopback addresses alone: nobody is asked for a signature here.
func listen(ctx context.Context, address string) (net.Listener, error) {
	at, err := netip.ParseAddrPort(strings.Replace(address, "localhost:", "127.0.0.1:", 1))
	if err != nil {
		return nil, fmt.Errorf("%q is not an address and port such as 127.0.0.1:8080", address)
	}
	if !at.Addr().IsLoopback() {
		return nil, fmt.Errorf("%s is not a loopback address; the sandbox asks nobody for a signature, so it serves this machine alone", address)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", at.String())
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d is in use; end the program that has it, or take another: make run ARGS='-addr 127.0.0.1:%d'", at.Port(), at.Port()+1)
	case err != nil:
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

// close ends everything. Requests under way get a moment to end.
func (s *sandbox) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var errs []error
	s.end()
	if s.stopSchedule != nil {
		s.stopSchedule()
		s.scheduled.Wait()
	}
	for i := len(s.servers) - 1; i >= 0; i-- { // the API first
		if err := s.servers[i].Shutdown(ctx); err != nil {
			errs = append(errs, s.servers[i].Close())
		}
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	return errors.Join(errs...)
}
