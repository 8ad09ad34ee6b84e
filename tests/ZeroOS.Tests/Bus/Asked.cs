using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Serving;

namespace ZeroOS.Tests.Bus;

/// <summary>Admitted requests, as handlers see them.</summary>
internal static class Asked
{
    /// <summary>A new request of that key id.</summary>
    public static RequestContext By(string keyId, Roles roles = Roles.Tenant) =>
        By(KeyId.TryParse(keyId, out KeyId? key) ? key : throw new ArgumentException(keyId), roles);

    /// <summary>A new request of that key.</summary>
    public static RequestContext By(KeyId key, Roles roles = Roles.Tenant) =>
        new() { Sender = key, Roles = roles, MessageId = Guid.NewGuid(), RememberUntil = new DateTimeOffset(2026, 6, 1, 0, 0, 0, TimeSpan.Zero) };
}
