using System.Globalization;

namespace ZeroOS.SystemTests.Bench;

/// <summary>The zos command as one person uses it: their own configuration folder and key.</summary>
internal sealed class Zos(string configFolder)
{
    /// <summary>Runs a command line.</summary>
    public Task<CommandResult> Run(TimeSpan deadline, params string[] arguments) => Command.Run(Checkout.Path("out", "programs", "zos"), arguments, deadline,
        new Dictionary<string, string> { ["ZOS_CONFIG"] = configFolder });

    /// <summary>Runs a command line that must succeed within a minute.</summary>
    public async Task<string> Ok(params string[] arguments)
    {
        CommandResult result = await Run(TimeSpan.FromMinutes(1), arguments);
        return result.ExitCode == 0 ? result.Output.Trim()
            : throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture,
                $"zos {string.Join(' ', arguments)}: exit {result.ExitCode}: {result.Error.Trim()} {result.Output.Trim()}"));
    }

    /// <summary>Runs a line of a shell in which <c>$ZOS</c> is the command.</summary>
    public Task<CommandResult> Shell(TimeSpan deadline, string line) => Command.Run("sh", ["-c", line], deadline,
        new Dictionary<string, string> { ["ZOS_CONFIG"] = configFolder, ["ZOS"] = Checkout.Path("out", "programs", "zos") });

    /// <summary>Makes this person's key and returns its id.</summary>
    public async Task<string> NewKey()
    {
        await Ok("key", "new");
        return await Ok("key", "show");
    }
}
