namespace ZeroOS.Linux;

/// <summary>How grave a line of the kernel log is; syslog's numbers.</summary>
public enum LogLevel
{
    Error = 3, Warning = 4, Info = 6, Debug = 7,
}
