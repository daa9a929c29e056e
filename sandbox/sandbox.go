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

	chargecallback "dinarfunctions/functions/charge-callback/handler"
	payoutstatus "dinarfunctions/functions/payout-status/handler"
	recurringcharge "dinarfunctions/functions/recurring-charge/handler"
	"dinarfunctions/sandbox/gateway"
	simdinardragon "dinarfunctions/sandbox/provider/dinardragon"
	simdineropay "dinarfunctions/sandbox/provider/dineropay"
	simsecrets "dinarfunctions/sandbox/provider/secretsmanager"
	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dinardragon"
	"dinarfunctions/shared/dineropay"
	watched "dinarfunctions/shared/payout"
	"dinarfunctions/shared/secrets"
	"dinarfunctions/shared/trigger"
)

// What the simulated merchant has. None of it opens anything anywhere.
const (
	merchantKey      = "sandbox-merchant-key"
	merchantPassword = "sandbox-Password"
	privateKey       = "sandbox-private-key"

	dineroPaySecret   = "sandbox/dineropay"
	dinarDragonSecret = "sandbox/dinardragon"
)

// sandbox is everything that runs.
type sandbox struct {
	dineroPay   *simdineropay.Simulator
	dinarDragon *simdinardragon.Simulator
	store       *boltstore.File
	log         *os.File
	servers     []*http.Server

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
	if s.store, err = boltstore.Open(storePath); err != nil {
		return s, errors.Join(err, api.Close())
	}
	if s.log, err = os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600); err != nil { //nolint:gosec // the operator's own path
		return s, errors.Join(fmt.Errorf("open the functions' log: %w", err), api.Close())
	}
	routes, err := s.wire(ctx)
	if err != nil {
		return s, errors.Join(err, api.Close())
	}
	s.serve(api, routes)
	return s, nil
}

// wire starts what the functions call and puts the functions together.
func (s *sandbox) wire(ctx context.Context) (http.Handler, error) {
	var err error
	if s.dineroPay, err = simdineropay.New(simdineropay.Options{
		MerchantKey: merchantKey, MerchantPassword: merchantPassword,
		CallbackURL: func() string { return s.apiURL + "/callbacks/dineropay" },
	}); err != nil {
		return nil, err
	}
	if s.dinarDragon, err = simdinardragon.New(simdinardragon.Options{PrivateKey: privateKey}); err != nil {
		return nil, err
	}
	vault := simsecrets.New()
	vault.Put(dineroPaySecret, fmt.Sprintf(`{"merchant_key": %q, "merchant_password": %q}`, merchantKey, merchantPassword))
	vault.Put(dinarDragonSecret, fmt.Sprintf(`{"private_key": %q}`, privateKey))

	dineroPayURL, err := s.serveAside(ctx, s.dineroPay)
	if err != nil {
		return nil, err
	}
	dinarDragonURL, err := s.serveAside(ctx, s.dinarDragon)
	if err != nil {
		return nil, err
	}
	vaultURL, err := s.serveAside(ctx, vault)
	if err != nil {
		return nil, err
	}

	log := trigger.NewLogger(s.log)
	manager := awssecrets.NewFromConfig(aws.Config{
		Region:       "eu-central-1",
		Credentials:  credentials.NewStaticCredentialsProvider("sandbox", "sandbox", ""),
		BaseEndpoint: aws.String(vaultURL.String()),
	})
	dragon := dinardragon.New(dinarDragonURL,
		secrets.New(manager, dinarDragonSecret, dinardragon.ParseKey, secrets.Options{Log: log}), dinardragon.Options{})
	dineroKeys := secrets.New(manager, dineroPaySecret, dineropay.ParseCredentials, secrets.Options{Log: log})
	dinero := dineropay.New(dineroPayURL, dineroKeys, dineropay.Options{Log: log})
	store := &faultyStore{Store: s.store.Charges()}
	ledger := charge.NewLedger(store, dinero, time.Now, log)

	payouts := payoutstatus.New(dragon, watched.NewWatcher(s.store.Payouts(), dragon, payoutOverdueAfter, time.Now, log), log.With("function", "PayoutStatus"))
	charges := recurringcharge.New(ledger, log.With("function", "RecurringCharge"))
	routes := http.NewServeMux()
	callback := chargecallback.New(ledger, dineropay.NewCallbackVerifier(dineroKeys, time.Now), log.With("function", "ChargeCallback"))
	routes.Handle("/", gateway.Gateway{"payouts": payouts, "charges": charges, "charging": charges, "callbacks": callback})
	routes.Handle("POST /sandbox/schedule", gateway.Schedule(charges, payouts))
	routes.Handle("POST /sandbox/ledger/faults", store)
	s.every(time.Minute, charges, payouts)
	routes.Handle("/sandbox/dineropay/", control("/sandbox/dineropay", s.dineroPay))
	routes.Handle("/sandbox/dinardragon/", control("/sandbox/dinardragon", s.dinarDragon))
	return routes, nil
}

// payoutOverdueAfter is template.yaml's default.
const payoutOverdueAfter = 30 * time.Minute

// every wakes functions as the schedule of template.yaml does, until close.
func (s *sandbox) every(interval time.Duration, functions ...lambda.Handler) {
	ctx, cancel := context.WithCancel(context.Background())
	s.stopSchedule = cancel
	s.scheduled.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				for _, f := range functions {
					_ = gateway.Wake(ctx, f) // the function logs what went wrong
				}
			}
		}
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
