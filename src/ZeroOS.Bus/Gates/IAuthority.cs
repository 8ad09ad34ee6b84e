namespace ZeroOS.Bus.Gates;

/// <summary>What a key is on this node; a key can be both.</summary>
[Flags]
public enum Roles
{
    /// <summary>A stranger: node.info, a little at a time.</summary>
    None = 0,

    /// <summary>Listed in the farm settings.</summary>
    Owner = 1,

    /// <summary>Holds a grant, running or in its grace.</summary>
    Tenant = 2,

    /// <summary>Either.</summary>
    OwnerOrTenant = Owner | Tenant,

    /// <summary>Everybody, strangers included; only node.info.</summary>
    Anyone = 4 | OwnerOrTenant,

    /// <summary>The farm's recovery signing key; only a locked node knows it.</summary>
    Recovery = 8,

    /// <summary>The node itself, which asks itself whether it still answers; node.info.</summary>
    Self = 16,

    /// <summary>Those for whom places and a part of the link are kept.</summary>
    Reserved = Owner | Recovery | Self,
}

/// <summary>Who is who. Asked for every message before anything of it is parsed, so it answers from memory. Thread-safe.</summary>
public interface IRoles
{
    /// <summary>Roles of a key id's text now; a tenant whose grant ended keeps the role through the grace, in which handlers allow less.</summary>
    Roles RolesOf(string keyId);
}

/// <summary>Who is who on this node, by the node's own word.</summary>
public interface IAuthority : IRoles
{
    /// <summary>All keys that have a role now: a door sorts by them.</summary>
    IEnumerable<KeyValuePair<string, Roles>> Known { get; }

    /// <summary>A key has another role than before.</summary>
    event Action? Changed;
}
