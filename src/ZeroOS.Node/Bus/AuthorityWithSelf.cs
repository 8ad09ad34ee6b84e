using ZeroOS.Bus.Gates;

namespace ZeroOS.Node.Bus;

/// <summary>Who is who, and beside them the key under which the node asks itself.</summary>
internal sealed class AuthorityWithSelf(IAuthority others, string self) : IAuthority
{
    /// <inheritdoc/>
    public event Action? Changed
    {
        add => others.Changed += value;
        remove => others.Changed -= value;
    }

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, Roles>> Known => others.Known.Append(KeyValuePair.Create(self, Roles.Self));

    /// <inheritdoc/>
    public Roles RolesOf(string keyId) => keyId == self ? Roles.Self : others.RolesOf(keyId);
}
