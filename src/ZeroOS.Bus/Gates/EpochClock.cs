using ZeroOS.Bus.Messages;
using ZeroOS.Bus.Sodium;

namespace ZeroOS.Bus.Gates;

/// <summary>
/// The gate's time: within an epoch it only goes forward, whatever happens to the wall clock. A start of the node and every step of its clock begin
/// another epoch, of which no message made before can know the name. Thread-safe.
/// </summary>
public sealed class EpochClock
{
    private readonly TimeProvider _clock;
    private volatile State _state;

    /// <summary>Begins the first epoch at the wall clock's time.</summary>
    public EpochClock(TimeProvider clock)
    {
        _clock = clock;
        _state = Begin();
    }

    /// <summary>The epoch's name (base64 of 16 random bytes) and the time in it.</summary>
    public (string Epoch, DateTimeOffset Now) Read()
    {
        State state = _state;
        return (state.Epoch, state.Start + _clock.GetElapsedTime(state.Timestamp));
    }

    /// <summary>The wall clock was stepped: another epoch.</summary>
    public void ClockStepped() => _state = Begin();

    private State Begin() => new(Convert.ToBase64String(Crypto.Random(Message.EpochBytes)), _clock.GetUtcNow(), _clock.GetTimestamp());

    private sealed record State(string Epoch, DateTimeOffset Start, long Timestamp);
}
