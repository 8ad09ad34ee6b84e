using System.Collections.Frozen;

using ZeroOS.Bus.Gates;

namespace ZeroOS.Node.Doors;

/// <summary>Who has a role, as the node told this door. Replaced as a whole; asked by any thread.</summary>
internal sealed class KnownKeys : IRoles
{
    private volatile FrozenDictionary<string, byte> _roles = FrozenDictionary<string, byte>.Empty;

    /// <summary>A new table.</summary>
    public void Replace(IReadOnlyDictionary<string, byte> roles) => _roles = roles.ToFrozenDictionary(StringComparer.Ordinal);

    public Roles RolesOf(string keyId) => _roles.TryGetValue(keyId, out byte roles) ? (Roles)roles : Roles.None;
}
