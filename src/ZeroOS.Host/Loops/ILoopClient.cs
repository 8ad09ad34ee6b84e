using ZeroOS.Linux;

namespace ZeroOS.Host.Loops;

/// <summary>Somebody a <see cref="ClientLoop"/> serves: one machine, or one connection of a guest. All calls come on the loop's thread.</summary>
internal interface ILoopClient
{
    /// <summary>A descriptor is ready. The client does a bounded part of the work and returns: what is left keeps the descriptor ready.</summary>
    void OnReady(LoopWatch watch, Readiness ready);

    /// <summary>The time given to <see cref="ClientLoop.SetDue"/> has come.</summary>
    void OnDue();

    /// <summary>A call or a posted action of this client threw. The client ends itself here; the loop goes on for the others.</summary>
    void OnFault(Exception fault);
}
