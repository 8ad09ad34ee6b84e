using System.Collections.Concurrent;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Admission;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Reconciling;

/// <summary>How somebody wants one stop of a machine to be; what is null is as the deployment has it.</summary>
internal sealed record StopWish(string? Signal, TimeSpan? Grace);

/// <summary>
/// What was said of stops that are wanted and not ordered yet, and how a stop is ordered. That a machine is to stop is stored; how this once, is not: a node
/// that dies in between stops it as its deployment says. A machine that lives has one wish at most, and loses it with its end. Thread-safe.
/// </summary>
internal sealed class StopWishes
{
    private static readonly TimeSpan s_defaultGrace = TimeSpan.FromSeconds(10), s_longestGrace = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<WorkloadId, StopWish> _wishes = new();

    /// <summary>Wishes that are kept.</summary>
    public int Count => _wishes.Count;

    /// <summary>Keeps a wish, for a machine that lives, inside the transaction that stores the stop: no pass sees the one without the other.</summary>
    public void Set(WorkloadId machine, StopWish wish) => _wishes[machine] = wish;

    /// <summary>The wish for a machine, or null.</summary>
    public StopWish? Of(WorkloadId machine) => _wishes.GetValueOrDefault(machine);

    /// <summary>The wish is ordered, or its stop was not stored. A later one stays.</summary>
    public void Done(WorkloadId machine, StopWish wish) => _wishes.TryRemove(KeyValuePair.Create(machine, wish));

    /// <summary>The machine has ended.</summary>
    public void Forget(WorkloadId machine) => _wishes.TryRemove(machine, out _);

    /// <summary>
    /// A deployment's way to stop, with what is wished this once before it. Without grace a program can do nothing with its signal: it is killed at once.
    /// </summary>
    public static GuestStop Order(StopPolicy? policy, StopWish? wish)
    {
        TimeSpan grace = wish?.Grace
            ?? (policy is not null && Durations.TryParse(policy.Timeout, s_longestGrace, out TimeSpan wanted) ? wanted : s_defaultGrace);
        string? signal = (wish?.Signal ?? policy?.Signal) is { } text && Signals.TryNormalise(text, out string normal) ? normal : null;
        return new GuestStop { Signal = grace == TimeSpan.Zero ? "SIGKILL" : signal, GraceMs = (int)grace.TotalMilliseconds };
    }
}
