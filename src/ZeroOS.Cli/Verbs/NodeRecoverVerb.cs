using System.CommandLine;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Json;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sodium;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Config;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos node recover: the farm's recovery key gives a locked node its identity back.</summary>
internal static class NodeRecoverVerb
{
    private static readonly TimeSpan s_returnsWithin = TimeSpan.FromSeconds(90);

    public static Command Build(Terminal terminal)
    {
        Argument<string?> name = new("NAME")
        {
            Arity = ArgumentArity.ZeroOrOne,
            Description = "pinned node, or KEYID@HOST[:PORT] with its former key id (default: as --node)"
        };
        Option<string?> key = new("--recovery-key")
        {
            HelpName = "FILE|-",
            Description = "file with the farm's recovery key (printed by zos farm new); - reads standard input (default: ask)"
        };
        Option<string?> temporary = new("--temporary-id") { HelpName = "KEYID", Description = "temporary id on the screen of the locked node (default: ask)" };
        Option<bool> open = new("--open") { Description = "store the identity unsealed if the computer has no usable TPM" };
        Command command = new("recover",
            "Restore the identity of a locked node, after a new mainboard, a cleared TPM or another image. Needs the farm's recovery key.")
        {
            name, key, temporary, open
        };
        Session.Set(command, terminal, (session, parsed) => RecoverAsync(session, parsed.GetValue(name), RecoveryKeyFile.Read(session, parsed.GetValue(key)),
            parsed.GetValue(temporary), parsed.GetValue(open)), lasting: true);
        return command;
    }

    private static async Task<int> RecoverAsync(Session session, string? name, byte[] recoverySeed, string? temporaryId, bool open)
    {
        (KnownNode known, HttpTransport transport) = session.Reach(name);
        string called = name ?? known.Id;
        using IdentityKey recovery = IdentityKey.FromSeed(recoverySeed);
        NodeInfo info = await BusClient.WhoIsThereAsync(recovery, transport, TimeProvider.System, session.Cancellation);
        if (info.Id == known.Id)
            throw new CliException($"{called} is not locked: it answers under its own key");
        if (info.Locked is not LockedState locked || locked.NodeId != known.Id || !KeyId.TryParse(info.Id, out KeyId? temporary))
            throw new CliException($"what answers at {known.Host} is {info.Id} and says nothing of being {called}; nothing was sent to it");
        Confirm(session, called, known, locked, info.Id, temporaryId);

        NodeClient node = new(new BusClient(recovery, temporary, transport, TimeProvider.System));
        byte[] seed = OpenBox(recoverySeed, await node.RecoverAsync(new NodeRecover(), session.Cancellation), known.Id, called);
        NodeRecovery done = await node.RecoverAsync(new NodeRecover { Seed = Convert.ToBase64String(seed), AllowOpen = open }, session.Cancellation);
        Crypto.Erase(seed);
        session.Terminal.Error.WriteLine($"{called} has its identity back ({Terminal.Clean(done.Tier)}); it starts again…");
        NodeInfo back = await ReturnAsync(recovery, known.Id, transport, session.Cancellation);
        if (session.Json)
            session.WriteJson(back, BusJson.Default.NodeInfo);
        else
            session.Terminal.Out.WriteLine($"{called} is {back.Id} again, tier {Terminal.Clean(back.Tier)}");
        return 0;
    }

    /// <summary>
    /// Whoever holds the disk has the box, and could wait here for the seed in a computer of his own: a person has to have seen the temporary id on the screen
    /// of the right one.
    /// </summary>
    private static void Confirm(Session session, string called, KnownNode known, LockedState locked, string temporaryId, string? expected)
    {
        session.Terminal.Error.WriteLine(Terminal.Clean($"{known.Host} says it is {called}, locked ({locked.Reason}): {locked.Message}."));
        if (expected is not null && expected != temporaryId)
            throw new CliException(
                $"its temporary id is {temporaryId}, not {expected}; a locked node has another one after each start, so look at its screen again");
        if (expected is not null)
            return;
        if (!session.Terminal.Interactive)
            throw new CliException($"compare its temporary id with its screen and give it: --temporary-id {temporaryId}");
        if (session.Terminal.Ask($"Its temporary id is {temporaryId}. Is that what its screen shows? [y/N] ") is not ("y" or "Y" or "yes"))
            throw new CliException("nothing was sent");
    }

    private static byte[] OpenBox(byte[] recoverySeed, NodeRecovery answer, string id, string called)
    {
        if (answer.Box is not string box || !CanonicalBase64.TryDecode(box, Crypto.KeyBytes + Crypto.SealOverhead, out byte[] cipher)
            || RecoveryKey.TryOpen(recoverySeed, cipher) is not byte[] seed)
            throw new CliException($"this recovery key does not open what {called} kept; is it the one of its farm?");
        using IdentityKey key = IdentityKey.FromSeed(seed);
        return key.Id.Text == id ? seed : throw new CliException($"what {called} kept is the seed of another node, {key.Id}; nothing was sent");
    }

    private static async Task<NodeInfo> ReturnAsync(IdentityKey key, string id, HttpTransport transport, CancellationToken cancellation)
    {
        KeyId own = KeyId.TryParse(id, out KeyId? known) ? known : throw new CliException($"\"{id}\" is not a key id");
        NodeClient node = new(new BusClient(key, own, transport, TimeProvider.System));
        try
        {
            // No events tell of it, so it is dialled: the locked self has none and ends with the restart, and to the node itself the recovery key is a
            // stranger's.
            return await node.ReturnAsync(s_returnsWithin, cancellation);
        }
        catch (ClientException e)
        {
            throw new CliException($"the identity was taken, but {e.Message}; its screen says more");
        }
    }
}
