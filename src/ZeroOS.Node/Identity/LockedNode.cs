using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Json;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Farm;
using ZeroOS.Linux;

namespace ZeroOS.Node.Identity;

/// <summary>
/// What a locked node lets people do: its farm's recovery key ends the lock, its owners reboot it and switch it off, and everybody hears why it is locked.
/// </summary>
internal sealed class LockedNode(IdentityKeeper keeper, FarmSettings? settings, ILog log) : IAuthority
{
    private readonly Lock _lock = new();
    private bool _recovered;

    /// <summary>The lock has ended, and whoever ended it has the answer: the node is to be started again.</summary>
    public event Action? Recovered;

    /// <summary>The answer to every command that a locked node does not have.</summary>
    public static BusError Refusal(LockedState state) => new()
    {
        Code = ErrorCodes.Unavailable,
        Message = $"the node is locked: {state.Message}; the farm's recovery key can end that (zos node recover)",
    };

    /// <summary>Owners by the farm settings, and the recovery key of the farm whose node this was.</summary>
    public Roles RolesOf(string keyId) =>
        (settings?.Owners.Contains(keyId) == true ? Roles.Owner : Roles.None) | (keyId == keeper.Locked.Terms.SigningKey.Text ? Roles.Recovery : Roles.None);

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, Roles>> Known =>
        (settings?.Owners ?? []).Append(keeper.Locked.Terms.SigningKey.Text).Distinct(StringComparer.Ordinal).Select(k => KeyValuePair.Create(k, RolesOf(k)));

    /// <inheritdoc/>
    public event Action? Changed
    {
        add { }         // who may do what with a locked node stays as it is
        remove { }
    }

    /// <summary>zos.node.recover.</summary>
    public Task<NodeRecovery> RecoverAsync(RequestContext context, NodeRecover request, CancellationToken cancellation)
    {
        string node = keeper.Locked.Node.Text;
        if (request.Seed is null)
            return Task.FromResult(new NodeRecovery { NodeId = node, Box = Convert.ToBase64String(keeper.Locked.Box) });
        if (!CanonicalBase64.TryDecode(request.Seed, IdentityRecord.SeedBytes, out byte[] seed))
            throw new BusErrorException(ErrorCodes.Invalid, "a seed is 32 bytes of base64", "seed");
        lock (_lock)
        {
            if (_recovered)
                throw new BusErrorException(ErrorCodes.Conflict, "the node has its identity back and is about to start again");
            string tier = keeper.Restore(seed, request.AllowOpen);
            _recovered = true;
            log.Info($"event=identity-recovered node={node} tier={tier} by={context.Sender}");
            context.AfterSent(() => Recovered?.Invoke());
            return Task.FromResult(new NodeRecovery { NodeId = node, Tier = tier });
        }
    }
}
