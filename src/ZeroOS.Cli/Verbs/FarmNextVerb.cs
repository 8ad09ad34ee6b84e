using System.CommandLine;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client.Config;
using ZeroOS.Contracts.Farm;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos farm next: the settings that follow others, of the same farm.</summary>
internal static class FarmNextVerb
{
    public static Command Build(Terminal terminal)
    {
        Argument<string> file = new("FILE") { Description = "farm settings that nodes have now" };
        Option<string[]> owners = new("--owner") { HelpName = "KEYID", Description = "key id of an owner; may be repeated (default: as before)" };
        Option<int?> threshold = new("--threshold") { Description = "number of owners who must sign a change of the farm (default: as before)" };
        Option<string?> name = new("--name") { Description = "name of the farm (default: as before)" };
        Option<string[]> time = new("--time-server") { HelpName = "HOST", Description = "SNTP server; may be repeated (default: as before)" };
        Option<string?> channel = new("--channel") { Description = "release channel of its nodes (default: as before)" };
        Option<string?> recovery = new("--recovery-key")
        {
            HelpName = "FILE|-",
            Description = "sign with the farm's recovery key too: counts whatever owners signed before"
        };
        Option<string> output = new("-o", "--output") { HelpName = "FILE", Required = true, Description = "file to write the settings to" };
        Command command = new("next",
            "Write the next version of farm settings, signed by your key. Registries given with --registry NAME=URL[,plain] replace all of those before.")
        {
            file, owners, threshold, name, time, channel, recovery, output,
        };
        Session.Set(command, terminal, (session, parsed) =>
        {
            string from = parsed.GetRequiredValue(file);
            if (!FarmDocument.TryInspect(File.ReadAllBytes(from), out FarmSettings? before, out _, out string? fault))
                throw new CliException($"{from}: {fault}");
            using IdentityKey? recoveryKey = parsed.GetValue(recovery) is { } source ? IdentityKey.FromSeed(RecoveryKeyFile.Read(session, source)) : null;
            FarmSettings next = before with
            {
                RecoveryGeneration = before.RecoveryGeneration + (recoveryKey is null ? 0 : 1),
                Version = Following(before, recoveryKey is not null),
                Owners = parsed.GetValue(owners) is { Length: > 0 } given ? [.. given.Distinct()] : before.Owners,
                Threshold = parsed.GetValue(threshold) ?? before.Threshold,
                Name = parsed.GetValue(name) ?? before.Name,
                Channel = parsed.GetValue(channel) ?? before.Channel,
                TimeServers = parsed.GetValue(time) is { Length: > 0 } servers ? servers : before.TimeServers,
                Registries = parsed.GetValue(Globals.Registry) is { Length: > 0 } registries
                    ? registries.Select(Registries.ParseOption).ToDictionary(r => r.Name, r => r.Registry) : before.Registries,
            };
            Write(terminal, parsed.GetRequiredValue(output), Sign(session, before, next, recoveryKey));
            return Task.FromResult(0);
        });
        return command;
    }

    // A thief of an owner's key may have used up the numbers; the recovery key's generation goes before them.
    private static int Following(FarmSettings before, bool byRecoveryKey) => before.Version < int.MaxValue ? before.Version + 1
        : byRecoveryKey ? 1 : throw new CliException("there is no higher version; the recovery key begins anew (--recovery-key)");

    private static byte[] Sign(Session session, FarmSettings before, FarmSettings next, IdentityKey? recoveryKey)
    {
        IdentityKey own = session.Key();
        bool owns = next.Owners.Contains(own.Id.Text) || before.Owners.Contains(own.Id.Text);
        if (!owns && recoveryKey is null)
            throw new CliException(
                $"your key {own.Id} is neither among the owners nor was it; their owners sign settings, or the recovery key (--recovery-key)");
        byte[] document = owns ? FarmDocument.Sign(next, own) : FarmDocument.Sign(next, recoveryKey!);
        if (owns && recoveryKey is not null)
            document = FarmDocument.AddSignature(document, recoveryKey);
        return FarmDocument.TryInspect(document, out _, out _, out string? wrong) ? document
            : throw new CliException($"these settings make no sense: {wrong}", CliException.Usage);
    }

    private static void Write(Terminal terminal, string path, byte[] document)
    {
        bool complete = FarmDocument.TryVerify(document, out _, out string? fault);
        using (FileStream file = new(path, FileMode.CreateNew, FileAccess.Write))
            file.Write(document);
        terminal.Error.WriteLine(complete
            ? $"Wrote {path}. Nodes take it when as many of their present owners have signed as their threshold says (zos farm sign --former), "
                + "or the recovery key."
            : $"Wrote {path}, not complete yet: {fault}.");
    }
}
