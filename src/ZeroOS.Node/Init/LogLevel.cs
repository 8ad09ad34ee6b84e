namespace ZeroOS.Node.Init;

/// <summary>How grave a line of the kernel log is; syslog's numbers.</summary>
internal enum LogLevel
{
    Error = 3, Warning = 4, Info = 6, Debug = 7,
}
