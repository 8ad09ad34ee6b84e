using System.CommandLine;

namespace ZeroOS.Cli.Sessions;

/// <summary>Options every command understands.</summary>
internal static class Globals
{
    public static readonly Option<string?> Node = new("--node")
    {
        Recursive = true,
        HelpName = "NAME|KEYID@HOST",
        Description = "use this node (default: ZOS_NODE, or the only pinned one)",
    };

    public static readonly Option<string?> Key = new("--key")
    {
        Recursive = true,
        HelpName = "FILE",
        Description = "use this key file (default: \"key\" in the configuration folder)",
    };

    public static readonly Option<double?> Timeout = new("--timeout")
    {
        Recursive = true,
        HelpName = "SECONDS",
        Description = "stop after this time (default 30; streams and waits: never)",
    };

    public static readonly Option<bool> Json = new("--json") { Recursive = true, Description = "print JSON: one object, or one object per line for streams" };

    public static readonly Option<bool> Verbose = new("--verbose") { Recursive = true, Description = "print the details of an error" };

    public static readonly Option<string[]> Registry = new("--registry")
    {
        Recursive = true,
        HelpName = "NAME=URL",
        Description = "URL of registry NAME as seen from this computer",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    public static readonly Option[] All = [Node, Key, Timeout, Json, Verbose, Registry];
}
