namespace ZeroOS.Linux;

/// <summary>Where a program says what happens to it, a line at a time. Safe from any thread; never throws.</summary>
public interface ILog
{
    /// <summary>A state changed.</summary>
    void Info(string message);

    /// <summary>Odd, and handled.</summary>
    void Warn(string message);

    /// <summary>Somebody must act.</summary>
    void Error(string message);
}
