using System.Runtime.InteropServices;

namespace ZeroOS.Cli.Output;

/// <summary>
/// The signals by which a person, or who started zos, asks it to end: it has a moment to do so in order. While a program elsewhere has zos's signals they go
/// there. Thread-safe.
/// </summary>
internal sealed class Interrupts : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);
    private static readonly PosixSignal[] s_ends = [PosixSignal.SIGINT, PosixSignal.SIGTERM];

    // What a program is told besides: zos itself ends by them as every process does.
    private static readonly PosixSignal[] s_others = [PosixSignal.SIGHUP, PosixSignal.SIGQUIT];

    private readonly CancellationTokenSource _asked = new();
    private readonly TaskCompletionSource _overdue = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration[] _registrations;
    private volatile Action<PosixSignal>? _divert;

    /// <summary>Takes the signals of this process from now on.</summary>
    public Interrupts() => _registrations = [.. s_ends.Select(s => PosixSignalRegistration.Create(s, Take))];

    /// <summary>Cancelled when zos is asked to end.</summary>
    public CancellationToken Asked => _asked.Token;

    /// <summary>Completed when zos was asked to end and has not in time.</summary>
    public Task Overdue => _overdue.Task;

    /// <summary>Signals go to <paramref name="take"/>, which must not wait, until what is returned is disposed.</summary>
    public IDisposable Divert(Action<PosixSignal> take)
    {
        _divert = take;
        return new Diversion(this, [.. s_others.Select(s => PosixSignalRegistration.Create(s, Take))]);
    }

    /// <summary>Asks zos to end, as a signal does.</summary>
    public void Ask()
    {
        _asked.Cancel();
        _ = Task.Delay(s_patience).ContinueWith(_ => _overdue.TrySetResult(), TaskScheduler.Default);
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
    }

    private void Take(PosixSignalContext context)
    {
        context.Cancel = true;
        if (_divert is { } take)
            take(context.Signal);
        else
            Ask();
    }

    private sealed class Diversion(Interrupts interrupts, PosixSignalRegistration[] registrations) : IDisposable
    {
        public void Dispose()
        {
            interrupts._divert = null;
            foreach (PosixSignalRegistration registration in registrations)
                registration.Dispose();
        }
    }
}
