using ZeroOS.Contracts.Bus;

namespace ZeroOS.Engine.Store;

/// <summary>Where a grant is in its life. It changes only while the clock is synced: until then what was valid at shutdown stays valid.</summary>
internal enum GrantPhase
{
    /// <summary>Not begun.</summary>
    Waiting,

    /// <summary>Machines may run.</summary>
    Active,

    /// <summary>Over; machines are stopped and the grace runs.</summary>
    Ended,

    /// <summary>The grace is over too: everything of the tenant is being destroyed.</summary>
    Gone,
}

/// <summary>A stored grant and the seconds counted against it.</summary>
internal sealed record GrantRow(Grant Grant, GrantPhase Phase, long GraceSeconds, long GraceUsed, long OverUsed);
