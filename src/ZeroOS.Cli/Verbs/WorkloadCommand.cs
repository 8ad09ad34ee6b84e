using System.CommandLine;

namespace ZeroOS.Cli.Verbs;

/// <summary>
/// A verb whose words behind its first argument belong to the workload, as Docker has it, even if they look like options of ours: run, and what else starts a
/// program. Its exit code is the program's, so what goes wrong with zos itself has a code of its own.
/// </summary>
internal sealed class WorkloadCommand(string name, string description) : Command(name, description)
{
    /// <summary>Docker's exit code for its own refusals and faults.</summary>
    public const int OurFault = 125;

    /// <summary>The same words, with "--" before those that belong to the workload; unchanged for every other verb.</summary>
    public static string[] Separate(RootCommand root, string[] args)
    {
        Command command = root;
        for (int i = NextWord(root, command, args, 0); i >= 0; i = NextWord(root, command, args, i + 1))
        {
            if (command is WorkloadCommand)
                return i + 1 == args.Length || args[i + 1] == "--" ? args : [.. args[..(i + 1)], "--", .. args[(i + 1)..]];
            if (command.Subcommands.FirstOrDefault(c => c.Name == args[i] || c.Aliases.Contains(args[i])) is not Command next)
                return args;
            command = next;
        }
        return args;
    }

    /// <summary>Where the next argument is that is neither an option nor an option's value; -1 at the end or at "--".</summary>
    private static int NextWord(RootCommand root, Command command, string[] args, int from)
    {
        for (int i = from; i < args.Length && args[i] != "--"; i++)
        {
            if (!args[i].StartsWith('-'))
                return i;
            if (root.Options.Concat(command.Options).Any(o => o.ValueType != typeof(bool) && (o.Name == args[i] || o.Aliases.Contains(args[i]))))
                i++;
        }
        return -1;
    }
}
