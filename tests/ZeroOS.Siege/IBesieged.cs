using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;

namespace ZeroOS.Siege;

/// <summary>The node under siege, as those who speak to it know it.</summary>
internal interface IBesieged : IDisposable
{
    /// <summary>What the first line of the report calls it.</summary>
    string What { get; }

    /// <summary>Where its bus is.</summary>
    string Host { get; }

    /// <summary>The port of its bus.</summary>
    int Port { get; }

    /// <summary>
    /// The first byte of the IPv4 addresses of everybody here: attackers have the networks N.16.0.0/16, N.17.0.0/16 and so on, the owner N.8.0.1 and the
    /// tenant N.9.0.1. This computer has all of them.
    /// </summary>
    int Network { get; }

    /// <summary>Who it is.</summary>
    KeyId Id { get; }

    /// <summary>Somebody with the owner's role.</summary>
    IdentityKey Owner { get; }

    /// <summary>Somebody with a grant.</summary>
    IdentityKey Tenant { get; }

    /// <summary>Somebody with a grant who attacks.</summary>
    IdentityKey HostileTenant { get; }

    /// <summary>What the honest tenant asks for again and again.</summary>
    Task AskAsTenantAsync(BusClient client, int number, CancellationToken cancellation);

    /// <summary>Watches until the time is over.</summary>
    Task WatchAsync(CancellationToken cancellation);

    /// <summary>Says what was seen; false when something died or took more memory than it may.</summary>
    bool Report();
}
