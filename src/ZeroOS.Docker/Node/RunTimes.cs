namespace ZeroOS.Docker.Node;

/// <summary>When the program of a machine last began and last ended, by its status, else by the node's events; null: they do not say.</summary>
internal readonly record struct RunTimes(DateTimeOffset? Started, DateTimeOffset? Ended);
